//! What is remembered of a network and of a password: at which accounts they failed; and for how long
//! a network is banned from logging in.

use std::collections::VecDeque;

use super::{DAY, HOUR, KEPT_LONG, Limits, MINUTE};

/// Accounts that failed within the last hour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::login) struct Accounts(pub(in crate::login) Vec<Failing>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::login) struct Failing {
    /// Half of its key.
    pub(in crate::login) account: u64,
    pub(in crate::login) count: u32,
    pub(in crate::login) last: u64,
}

impl Accounts {
    pub(super) fn set_back(&mut self, now: u64) {
        let times = self.0.iter_mut().map(|failing| &mut failing.last);
        times.for_each(|last| *last = now.min(*last));
    }

    pub(super) fn forget(&mut self, now: u64) {
        self.set_back(now);
        self.0.retain(|failing| failing.last + HOUR > now);
    }

    fn find(&mut self, account: u64) -> Option<&mut Failing> {
        self.0.iter_mut().find(|failing| failing.account == account)
    }

    fn oldest(&self) -> u64 {
        let times = self.0.iter().map(|failing| failing.last);
        times.min().unwrap_or_default()
    }

    pub(super) fn push(&mut self, account: u64, most: usize, now: u64) {
        match self.find(account) {
            Some(failing) => {
                failing.count = failing.count.saturating_add(1);
                failing.last = now;
            }
            None => {
                if self.0.len() < most {
                    self.0.push(Failing {
                        account,
                        count: 1,
                        last: now,
                    });
                }
            }
        }
    }

    pub(super) fn take_back(&mut self, account: u64) {
        if let Some(failing) = self.find(account) {
            failing.count = failing.count.saturating_sub(1);
            if failing.count == 0 {
                self.0.retain(|failing| failing.account != account);
            }
        }
    }

    pub(in crate::login) fn last(&self) -> u64 {
        let times = self.0.iter().map(|failing| failing.last);
        times.max().unwrap_or_default()
    }
}

/// What came from one network, but for devices that are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::login) struct Network {
    /// The last success; 0 for none.
    pub(in crate::login) success: u64,
    /// Failures of the last minute. If there are too many, they stay until the ban that follows
    /// from them has ended: one that is taken back meanwhile takes the ban back.
    pub(in crate::login) log: VecDeque<u64>,
    pub(in crate::login) accounts: Accounts,
    /// Bans that have ended, since it was last without one for a day.
    bans: u32,
    /// When the last of them ended.
    unbanned: u64,
}

impl Network {
    pub(super) fn set_back(&mut self, now: u64) {
        let times = [&mut self.success, &mut self.unbanned].into_iter();
        times.chain(&mut self.log).for_each(|at| *at = now.min(*at));
        self.accounts.set_back(now);
    }

    pub(super) fn forget(&mut self, limits: &Limits, is_bannable: bool, now: u64) {
        self.set_back(now);
        if self.success + KEPT_LONG <= now {
            self.success = 0;
        }
        match self.banned_until(limits) {
            None => self.log.retain(|at| at + MINUTE > now),
            Some(until) if until > now => {}
            Some(until) => {
                self.log.clear();
                if is_bannable {
                    (self.bans, self.unbanned) = (self.bans.saturating_add(1), until);
                }
            }
        }
        if self.unbanned + DAY <= now {
            (self.bans, self.unbanned) = (0, 0);
        }
        self.accounts.forget(now);
    }

    /// Until when nothing that comes from there is checked; `None` if it is not banned.
    fn banned_until(&self, limits: &Limits) -> Option<u64> {
        let is_banned = self.log.len() >= limits.network_failures;
        let last = self.log.back().filter(|_| is_banned)?;
        Some(last.saturating_add(limits.ban_after(self.bans)))
    }

    /// How long an attempt at an account has to wait for the sake of its network.
    pub(super) fn refusal(
        &mut self,
        account: u64,
        limits: &Limits,
        alarm: bool,
        now: u64,
    ) -> Option<u64> {
        if let Some(until) = self.banned_until(limits) {
            return Some(until - now);
        }
        if alarm
            && self.success == 0
            && let Some(last) = self.log.back()
        {
            return Some(last + MINUTE - now);
        }
        let accounts = &mut self.accounts;
        let is_new = accounts.find(account).is_none();
        (is_new && accounts.0.len() >= limits.network_accounts)
            .then(|| accounts.oldest() + HOUR - now)
    }

    pub(in crate::login) fn is_empty(&self) -> bool {
        self.success == 0 && self.log.is_empty() && self.accounts.0.is_empty() && self.bans == 0
    }

    pub(in crate::login) fn is_expired(&self, limits: &Limits, now: u64) -> bool {
        let unbanned = self.banned_until(limits).unwrap_or(self.unbanned);
        // A failure can outlive its account: who took an hour to settle has taken that back.
        self.success + KEPT_LONG <= now
            && self.log.back().is_none_or(|last| last + MINUTE <= now)
            && self.accounts.last() + HOUR <= now
            && unbanned + DAY <= now
    }
}
