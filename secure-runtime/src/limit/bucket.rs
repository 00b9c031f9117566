//! One quota: governor's arithmetic over a store of ours.
//!
//! governor decides: see `gcra`. What it has no words for is here: a store with a bound, a look
//! without a charge, a refund, and a debt.

use std::{
    convert::Infallible,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    gcra::Gcra,
    subject::{Hashed, Subject},
    table::Table,
};
use crate::{clock::Clock, policy::Quota};

/// Times are kept below this, and so is the time in which a full burst comes back: the sum of a
/// time, a burst, a debt of one more and the cost of a request fits. It is 146 years.
const MAX_NANOS: u64 = 1 << 62;

/// Nanoseconds of `clock`, as limits count them.
pub(super) fn now(clock: &Clock) -> u64 {
    clock.monotonic_nanos().min(MAX_NANOS)
}

/// The counts of one quota of one policy, by subject.
#[derive(Debug)]
pub(super) struct Bucket<K> {
    gcra: Gcra,
    pub(super) shape: Shape,
    slot: u32,
    table: Option<Arc<Table<K>>>,
    /// The TAT of all subjects together that are not in the table.
    shared: AtomicU64,
}

/// A quota as times: what one unit costs, and what a full burst does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// T of the algorithm, in nanoseconds.
    pub(super) interval: u64,
    /// B T, in nanoseconds.
    pub(super) full: u64,
}

#[cfg_attr(
    not(feature = "redis"),
    expect(dead_code, reason = "the store's counts need all of it")
)]
impl Shape {
    /// `None`: a part of the quota is zero, or so large that no time can tell it.
    pub(super) fn new(quota: &Quota) -> Option<Self> {
        if quota.limit == 0 || quota.period_seconds == 0 || quota.burst == 0 {
            return None;
        }
        let interval = quota.interval_nanos();
        let full = interval.checked_mul(u64::from(quota.burst))?;
        (full <= MAX_NANOS).then_some(Self { interval, full })
    }

    /// What so many units cost.
    pub(super) fn of(self, cost: NonZeroU32) -> u64 {
        self.interval.saturating_mul(u64::from(cost.get()))
    }

    /// How long a subject who owes so much must wait for `cost` units.
    pub(super) fn wait(self, owed: u64, cost: NonZeroU32) -> u64 {
        owed.saturating_add(self.of(cost)).saturating_sub(self.full)
    }

    /// What is left to a subject who owes so much.
    pub(super) fn paid(self, owed: u64) -> Paid {
        let left = self.full.saturating_sub(owed) / self.interval;
        Paid {
            // At most the burst, which has 32 bits.
            remaining: u32::try_from(left).unwrap_or(u32::MAX),
            tat: owed,
            at: 0,
            shared: false,
        }
    }

    /// Nanoseconds from the charge to the time when one unit more than [`Paid::remaining`] is
    /// available.
    pub(super) fn until_next(self, paid: Paid) -> u64 {
        // Of (B T - owed), `remaining` whole intervals are available; the next one is that much
        // away. The sum of the first two is at most B T, or 2 B T where there are debts.
        let owed = paid.tat.saturating_sub(paid.at);
        self.interval
            .saturating_mul(u64::from(paid.remaining))
            .saturating_add(owed)
            .saturating_sub(self.full - self.interval)
    }

    /// What is owed after `units` were charged to a subject who owed so much, whether there were
    /// any left or not.
    pub(super) fn later(self, owed: u64, units: u64) -> u64 {
        // 2 B T, which that of a share may exceed all measure with.
        owed.saturating_add(self.interval.saturating_mul(units))
            .min(self.full.saturating_mul(2))
            .max(owed)
    }

    /// The TAT after that.
    pub(super) fn tat_later(self, tat: u64, units: u64, now: u64) -> u64 {
        let owed = self.later(tat.saturating_sub(now), units);
        now.saturating_add(owed).max(tat)
    }

    /// What a charge would have left if `units` had been added to it.
    pub(super) fn with_later(self, paid: Paid, units: u64) -> Paid {
        Paid {
            remaining: paid
                .remaining
                .saturating_sub(u32::try_from(units).unwrap_or(u32::MAX)),
            tat: self.tat_later(paid.tat, units, paid.at),
            ..paid
        }
    }
}

/// What an admitted request was charged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Paid {
    /// Units that are left after this request.
    pub(super) remaining: u32,
    /// The TAT that this request left.
    pub(super) tat: u64,
    /// When, or a little before.
    pub(super) at: u64,
    /// The count was that of all subjects for whom the table had no room.
    pub(super) shared: bool,
}

impl<K: Subject> Bucket<K> {
    /// `None` where there is no [`Shape`].
    ///
    /// Without a table all subjects are counted together.
    pub(super) fn new(quota: &Quota, slot: u32, table: Option<Arc<Table<K>>>) -> Option<Self> {
        let shape = Shape::new(quota)?;
        let interval = Duration::from_nanos(shape.interval);
        let burst = NonZeroU32::new(quota.burst)?;
        Some(Self {
            gcra: Gcra::new(interval, burst)?,
            shape,
            slot,
            table,
            shared: AtomicU64::new(0),
        })
    }

    /// Charges a request of `cost` units, or tells how many nanoseconds after `now` one will be
    /// admitted.
    pub(super) fn charge(
        &self,
        subject: Hashed<'_, K>,
        cost: NonZeroU32,
        now: u64,
    ) -> Result<Paid, u64> {
        let ((remaining, tat), shared) = self.replace(subject, |tat| {
            // A key that was never seen is one whose TAT has passed.
            let owed = tat.unwrap_or(0).saturating_sub(now);
            // INVARIANT: a cost above the burst is found before the first request; it would wait
            // for ever.
            let (remaining, owed) = self.gcra.charge(owed, cost).unwrap_or(Err(MAX_NANOS))?;
            Ok::<_, u64>(((remaining, now + owed), now + owed))
        })?;
        Ok(Paid {
            remaining,
            tat,
            at: now,
            shared,
        })
    }

    /// Charges units for a request that was admitted already, whether there are any left or not;
    /// after that the subject owes at most one burst beyond the one that he may owe anyway.
    ///
    /// Such a debt bounds what one request can cost the next ones: nobody is locked out for longer
    /// than it takes two bursts to come back.
    pub(super) fn charge_later(&self, subject: Hashed<'_, K>, units: u32, now: u64) {
        let charged = self.replace(subject, |tat| {
            let tat = tat.unwrap_or(now);
            Ok::<_, Infallible>(((), self.shape.tat_later(tat, u64::from(units), now)))
        });
        match charged {
            Ok(((), _)) => {}
        }
    }

    /// Takes a charge of `cost` units back, as if it had never been made.
    ///
    /// What has become available since the charge would have become available without it: only
    /// the rest is given back. So a refund restores what there was at the time of the charge,
    /// and never adds a unit to what the quota admits, however late it comes.
    pub(super) fn refund(&self, subject: Hashed<'_, K>, cost: NonZeroU32, paid: Paid, now: u64) {
        // INVARIANT: a cost is at most B, and B T is at most 2^62.
        self.give_back(subject, self.shape.of(cost), paid, now);
    }

    pub(super) fn give_back(&self, subject: Hashed<'_, K>, charged: u64, paid: Paid, now: u64) {
        let rest = charged.saturating_sub(now.saturating_sub(paid.at));
        match &self.table {
            Some(table) if !paid.shared => table.refund(self.slot, subject, rest),
            _ => {
                self.shared
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tat| {
                        Some(tat.saturating_sub(rest))
                    })
                    .ok();
            }
        }
    }

    /// Lets `decide` see the TAT of a subject and set a new one, in one step; its answer, and
    /// whether the count was that of all subjects for whom the table had no room.
    pub(super) fn replace<T, E>(
        &self,
        subject: Hashed<'_, K>,
        decide: impl Fn(Option<u64>) -> Result<(T, u64), E>,
    ) -> Result<(T, bool), E> {
        if let Some(table) = &self.table
            && let Some(answer) =
                table.measure_and_replace(self.slot, subject, |tat| decide(tat.copied()))
        {
            return answer.map(|answer| (answer, false));
        }
        let mut tat = self.shared.load(Ordering::Relaxed);
        loop {
            let (answer, next) = decide(Some(tat))?;
            // The number is all there is: nothing else is published through it.
            match self
                .shared
                .compare_exchange_weak(tat, next, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return Ok((answer, true)),
                Err(current) => tat = current,
            }
        }
    }

    /// Nanoseconds after `now` at which a request of `cost` units will be admitted; zero if it
    /// would be now.
    pub(super) fn wait(&self, subject: Hashed<'_, K>, cost: NonZeroU32, now: u64) -> u64 {
        let owed = self.tat(subject).unwrap_or(0).saturating_sub(now);
        self.shape.wait(owed, cost)
    }

    pub(super) fn tat(&self, subject: Hashed<'_, K>) -> Option<u64> {
        match &self.table {
            Some(table) => table
                .tat(self.slot, subject)
                .or_else(|| table.is_full().then(|| self.shared.load(Ordering::Relaxed))),
            None => Some(self.shared.load(Ordering::Relaxed)),
        }
    }
}
