//! What is remembered of failures, and what follows from it: arithmetic without a clock, a lock or
//! a store. The script of the shared store says the same in Lua, and is tested against this.
//!
//! An attempt is *reserved* before the password is checked: it counts as a failure from then on.
//! So attempts that are checked at the same time cannot be more than the number allows, and one
//! whose outcome never becomes known has failed.
//!
//! # When the clock is set
//!
//! That of this process never goes back, that of a shared store may. A time that is still to come
//! is then taken for now, once, by the first attempt that meets it, and kept so even where that is
//! refused. So a lock, a delay or a ban begins anew with it and is as long as it ever is, but not
//! by as much longer as the clock was set back; and no failure is forgotten. An operator forgives
//! such failures from that attempt on, not before.
//!
//! A clock that is set forward ends all of them by as much sooner: nothing tells it from time that
//! went by.

mod network;

use std::collections::VecDeque;

#[cfg(test)]
pub(super) use self::network::Failing;
pub(super) use self::network::{Accounts, Network};

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// How long a few failures are remembered; windows and locks are no longer than this.
pub(super) const KEPT: u64 = DAY;
/// How long more than the free failures in a row are remembered, and a success of a network.
pub(super) const KEPT_LONG: u64 = 30 * DAY;
/// How long an account that was disabled stays so, unless it is enabled.
pub(super) const DISABLED_KEPT: u64 = 366 * DAY;

/// The numbers of one handler and of the settings. Times are in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) attempts: usize,
    pub(super) window: u64,
    pub(super) lock: u64,
    pub(super) limits: Limits,
}

/// The numbers of the settings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) free_failures: u32,
    pub(super) delay: u64,
    pub(super) max_delay: u64,
    pub(super) disable_after: u32,
    pub(super) network_failures: usize,
    pub(super) network_accounts: usize,
    pub(super) network_ban: u64,
    pub(super) max_network_ban: u64,
    pub(super) password_accounts: usize,
    pub(super) global_failures: usize,
    pub(super) device_max_age: u64,
}

impl Limits {
    /// How long an attempt has to wait after so many failures in a row.
    fn delay_after(&self, streak: u32) -> u64 {
        match streak.checked_sub(self.free_failures) {
            None | Some(0) => 0,
            Some(over) => doubled(self.delay, over - 1).min(self.max_delay),
        }
    }

    /// How long a network is banned that was banned so many times before.
    fn ban_after(&self, bans: u32) -> u64 {
        doubled(self.network_ban, bans).min(self.max_network_ban)
    }

    fn kept(&self, streak: u32) -> u64 {
        match streak {
            _ if streak >= self.disable_after => DISABLED_KEPT,
            _ if streak > self.free_failures => KEPT_LONG,
            _ => KEPT,
        }
    }
}

fn doubled(time: u64, times: u32) -> u64 {
    let factor = 1_u64.checked_shl(times).unwrap_or(u64::MAX);
    time.saturating_mul(factor)
}

/// Times before which an account is forgiven: by an operator, or by a recovery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// Older failures lock and delay nothing.
    pub(super) cleared: u64,
    /// Older failures, and devices, are as if they had never been.
    pub(super) enabled: u64,
}

impl Marks {
    /// Before now, so that what happens now is not forgiven.
    fn set_back(&mut self, now: u64) {
        for mark in [&mut self.cleared, &mut self.enabled] {
            if *mark > now {
                *mark = now.saturating_sub(1);
            }
        }
    }
}

/// Failures in a row of an account, of an account from one network, or from one device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Streak {
    pub(super) count: u32,
    /// When the first one was.
    pub(super) since: u64,
    pub(super) last: u64,
    /// The newest ones, at most as many as are allowed in a window.
    pub(super) log: VecDeque<u64>,
}

impl Streak {
    pub(super) fn is_expired(&self, limits: &Limits, now: u64) -> bool {
        self.last + limits.kept(self.count) <= now
    }

    /// Forgets what is too old or forgiven.
    fn forget(&mut self, limits: &Limits, marks: Marks, now: u64) {
        if self.last <= marks.enabled || self.is_expired(limits, now) {
            *self = Self::default();
        }
        self.log.retain(|at| *at > marks.cleared);
        self.set_back(now);
    }

    fn set_back(&mut self, now: u64) {
        let times = [&mut self.since, &mut self.last].into_iter();
        times.chain(&mut self.log).for_each(|at| *at = now.min(*at));
    }

    /// Until when nothing more is checked.
    pub(super) fn locked_until(&self, rules: &Rules) -> u64 {
        let newest = self.log.len().checked_sub(rules.attempts);
        let first = newest.and_then(|place| self.log.get(place));
        let (Some(first), Some(last)) = (first, self.log.back()) else {
            return 0;
        };
        // In any window at most `attempts`; and where they came within one, the lock.
        let window = first + rules.window;
        match *last < window {
            true => window.max(last + rules.lock),
            false => window,
        }
    }

    fn delayed_until(&self, limits: &Limits, marks: Marks) -> u64 {
        match self.last > marks.cleared {
            true => self.last + limits.delay_after(self.count),
            false => 0,
        }
    }

    fn refusal(&self, rules: &Rules, marks: Marks, now: u64) -> Option<Reason> {
        if now < self.locked_until(rules) {
            return Some(Reason::Locked);
        }
        (now < self.delayed_until(&rules.limits, marks)).then_some(Reason::Delayed)
    }

    /// One more, without its time: it neither locks nor delays others.
    fn count(&mut self, now: u64) {
        if self.count == 0 {
            (self.since, self.last) = (now, now);
        }
        self.count = self.count.saturating_add(1);
    }

    fn push(&mut self, rules: &Rules, now: u64) {
        self.count(now);
        self.last = now;
        push_bounded(&mut self.log, now, rules.attempts);
    }

    /// Takes one back, unless it was cleared meanwhile.
    fn take_back(&mut self, at: u64) {
        if self.since > at || self.count == 0 {
            return;
        }
        self.count -= 1;
        if self.count == 0 {
            *self = Self::default();
        } else if remove(&mut self.log, at) {
            self.last = self.log.back().copied().unwrap_or(self.since);
        }
    }
}

/// The newest failures of all, at most twice as many as raise the alarm: an attempt that succeeds
/// is among them until it is settled, and what it pushed out would be missing after that.
#[derive(Clone, Debug, Default)]
pub(super) struct Everybody(VecDeque<u64>);

impl Everybody {
    /// Whether so many failed within the last minute.
    fn is_alarming(&self, most: usize, now: u64) -> bool {
        let newest = self.0.len().checked_sub(most);
        let first = newest.and_then(|place| self.0.get(place));
        // One that is to come is from before the clock was set back.
        first.is_some_and(|first| *first <= now && first + MINUTE > now)
    }
}

/// Everything that one attempt is judged by.
#[derive(Clone, Debug, Default)]
pub(super) struct Records {
    pub(super) marks: Marks,
    pub(super) account: Streak,
    pub(super) pair: Streak,
    pub(super) device: Streak,
    pub(super) network: Network,
    pub(super) password: Accounts,
    pub(super) everybody: Everybody,
}

/// Which of them are there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    /// Half of the account's key.
    pub(super) account: u64,
    /// When the device was last let in, if a cookie of ours came along.
    pub(super) device: Option<u64>,
    pub(super) has_password: bool,
    /// Whether its network is banned for longer each time.
    pub(super) is_bannable: bool,
}

impl Attempt {
    /// Whether it comes from a device that was let in, and not too long ago: browsers forget a
    /// cookie by themselves, a thief does not. By the clock of the records: processes disagree.
    fn knows_device(&self, limits: &Limits, marks: Marks, now: u64) -> bool {
        self.device.is_some_and(|issued| {
            let age = now.checked_sub(issued);
            issued > marks.enabled && age.is_some_and(|age| age < limits.device_max_age)
        })
    }
}

/// Whether the password may be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Admitted(Reservation),
    Refused(Reason),
}

/// An attempt that counts as a failure until it is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reservation {
    pub(super) at: u64,
    /// Failures of the account in a row, without this one.
    pub(super) failures: u32,
    /// If this one fails, nothing more is checked for a while.
    pub(super) locks: bool,
    /// If this one fails, nothing more is checked until the account is enabled.
    pub(super) disables: bool,
    /// Judged by its device.
    pub(super) known_device: bool,
    /// Too many fail everywhere.
    pub(super) alarm: bool,
}

/// Why the password is not checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// Too soon after the last failure.
    Delayed,
    /// Too many failures in a row.
    Disabled,
    /// Too many failures in the window.
    Locked,
    /// Too many failures from this network; milliseconds until the next is checked.
    Network { wait: u64 },
    /// The same password failed at too many accounts.
    Password,
}

/// What became of an attempt that was admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The password was not the matter: as if the attempt had never been.
    Neither,
    /// The password was right.
    Success,
}

impl Records {
    /// Judges an attempt and, if it is admitted, counts it as a failure.
    pub(super) fn reserve(&mut self, attempt: Attempt, rules: &Rules, now: u64) -> Verdict {
        let limits = &rules.limits;
        let marks = self.marks;
        self.network.forget(limits, attempt.is_bannable, now);
        self.password.forget(now);
        let known_device = attempt.knows_device(limits, marks, now);
        self.account.forget(limits, marks, now);
        self.pair.forget(limits, marks, now);
        if known_device {
            self.device.forget(limits, marks, now);
        }
        self.marks.set_back(now);
        let alarm = self.everybody.is_alarming(limits.global_failures, now);
        if let Some(reason) = self.refusal(attempt, known_device, alarm, rules, now) {
            return Verdict::Refused(reason);
        }

        let failures = self.account.count;
        let judged = if known_device {
            // Not into the account's log: who knows a device cannot lengthen its lock, nor free a
            // place in it. Nor into the network's: its bans are not his.
            self.account.count(now);
            &mut self.device
        } else {
            self.account.push(rules, now);
            self.pair.push(rules, now);
            push_bounded(&mut self.network.log, now, limits.network_failures);
            self.network
                .accounts
                .push(attempt.account, limits.network_accounts, now);
            &mut self.account
        };
        if known_device {
            judged.push(rules, now);
        }
        let mut locks = now < judged.locked_until(rules);
        if !known_device {
            locks |= now < self.pair.locked_until(rules);
        }
        if attempt.has_password {
            self.password
                .push(attempt.account, limits.password_accounts, now);
        }
        push_bounded(&mut self.everybody.0, now, 2 * limits.global_failures);
        Verdict::Admitted(Reservation {
            at: now,
            failures,
            locks,
            disables: failures + 1 >= limits.disable_after,
            known_device,
            alarm,
        })
    }

    fn refusal(
        &mut self,
        attempt: Attempt,
        known_device: bool,
        alarm: bool,
        rules: &Rules,
        now: u64,
    ) -> Option<Reason> {
        let limits = &rules.limits;
        // The network first, whatever the account: so this answer says nothing of it. Whoever shows
        // a device of his own is not held up by others who share his address.
        if !known_device
            && let Some(wait) = self.network.refusal(attempt.account, limits, alarm, now)
        {
            return Some(Reason::Network { wait });
        }
        if self.account.count >= limits.disable_after {
            return Some(Reason::Disabled);
        }
        if known_device {
            return self.device.refusal(rules, self.marks, now);
        }
        self.account
            .refusal(rules, self.marks, now)
            .or_else(|| self.pair.refusal(rules, self.marks, now))
            .or_else(|| {
                let sprayed = self.password.0.len() >= limits.password_accounts;
                (attempt.has_password && sprayed).then_some(Reason::Password)
            })
    }

    /// Says what became of an attempt. One that failed needs no word.
    pub(super) fn settle(
        &mut self,
        attempt: Attempt,
        limits: &Limits,
        reservation: &Reservation,
        outcome: Outcome,
        now: u64,
    ) {
        let at = reservation.at;
        self.network.set_back(now);
        self.network.accounts.forget(now);
        self.password.forget(now);
        // Only this one: a success at an account of one's own must not make room for more.
        if !reservation.known_device {
            remove(&mut self.network.log, at);
            self.network.accounts.take_back(attempt.account);
        }
        if attempt.has_password {
            self.password.take_back(attempt.account);
        }
        remove(&mut self.everybody.0, at);
        match outcome {
            Outcome::Success => {
                self.network.success = now;
                self.account = Streak::default();
                if reservation.known_device {
                    self.device = Streak::default();
                } else {
                    self.pair = Streak::default();
                }
            }
            Outcome::Neither => {
                let own = match reservation.known_device {
                    true => &mut self.device,
                    false => &mut self.pair,
                };
                for streak in [&mut self.account, own] {
                    streak.forget(limits, Marks::default(), now);
                    streak.take_back(at);
                }
            }
        }
    }

    /// What is known of an account.
    pub(super) fn state(&mut self, rules: &Rules, now: u64) -> State {
        self.account.forget(&rules.limits, self.marks, now);
        self.marks.set_back(now);
        let marks = self.marks;
        let locked = self.account.locked_until(rules);
        let delayed = self.account.delayed_until(&rules.limits, marks);
        State {
            failures: self.account.count,
            wait: locked.max(delayed).saturating_sub(now),
            disabled: self.account.count >= rules.limits.disable_after,
        }
    }
}

/// What is known of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) failures: u32,
    /// Milliseconds until a password is checked again.
    pub(super) wait: u64,
    pub(super) disabled: bool,
}

fn push_bounded(log: &mut VecDeque<u64>, at: u64, most: usize) {
    log.push_back(at);
    while log.len() > most {
        log.pop_front();
    }
}

/// Removes the newest of this time; whether there was one.
fn remove(log: &mut VecDeque<u64>, at: u64) -> bool {
    let place = log.iter().rposition(|known| *known == at);
    place.and_then(|place| log.remove(place)).is_some()
}
