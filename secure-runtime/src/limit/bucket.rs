//! One quota: governor's arithmetic over a store of ours.
//!
//! governor decides: it holds the quota and computes the generic cell rate algorithm. What it
//! has no words for is here: a store with a bound, a look without a charge, a refund, and a debt.

use std::{
    cell::Cell,
    convert::Infallible,
    hash::{Hash, Hasher},
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use governor::{middleware::StateInformationMiddleware, nanos::Nanos, state::StateStore};

use super::table::Table;
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
pub(super) struct Bucket<K: Clone + Eq + Hash> {
    cells: governor::RateLimiter<Visit<K>, Store<K>, MonotonicClock, StateInformationMiddleware>,
    counts: Arc<Counts<K>>,
    /// T of the algorithm: the nanoseconds that one unit costs.
    interval: u64,
    /// The nanoseconds that may be owed before a request of one unit: (B - 1) T.
    tolerance: u64,
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
        (self.interval.saturating_mul(u64::from(paid.remaining)) + owed)
            .saturating_sub(self.full - self.interval)
    }

    /// What is owed after `units` were charged to a subject who owed so much, whether there were
    /// any left or not.
    pub(super) fn later(self, owed: u64, units: u64) -> u64 {
        // 2 B T: both terms are at most 2^62.
        owed.saturating_add(self.interval.saturating_mul(units))
            .min(2 * self.full)
            .max(owed)
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

impl<K: Clone + Eq + Hash> Bucket<K> {
    /// `None`: a part of the quota is zero, or so large that no time can tell it.
    ///
    /// Without a table all subjects are counted together.
    pub(super) fn new(
        quota: &Quota,
        slot: u32,
        table: Option<Arc<Table<K>>>,
        clock: &Clock,
    ) -> Option<Self> {
        let burst = NonZeroU32::new(quota.burst)?;
        if quota.limit == 0 || quota.period_seconds == 0 {
            return None;
        }
        let interval = quota.interval_nanos();
        let full = interval.checked_mul(u64::from(burst.get()))?;
        if full > MAX_NANOS {
            return None;
        }
        let counts = Arc::new(Counts {
            slot,
            table,
            shared: AtomicU64::new(0),
        });
        let quota =
            governor::Quota::with_period(Duration::from_nanos(interval))?.allow_burst(burst);
        let store = Store(Arc::clone(&counts));
        Some(Self {
            cells: governor::RateLimiter::new(quota, store, MonotonicClock::new(clock)),
            counts,
            interval,
            tolerance: full - interval,
        })
    }

    /// Charges a request of `cost` units, or tells how many nanoseconds after `now` one will be
    /// admitted.
    ///
    /// `now` is a reading of the bucket's clock that the caller took just before.
    pub(super) fn charge(&self, subject: K, cost: NonZeroU32, now: u64) -> Result<Paid, u64> {
        let visit = Visit::new(subject);
        // INVARIANT: a cost above the burst is found before the first request; it would wait for
        // ever.
        let told = Told::set(now);
        let outcome = self.cells.check_key_n(&visit, cost);
        drop(told);
        let Ok(outcome) = outcome else {
            return Err(MAX_NANOS);
        };
        match outcome {
            Ok(state) => Ok(Paid {
                remaining: state.remaining_burst_capacity(),
                tat: visit.tat.get(),
                at: now,
                shared: visit.shared.get(),
            }),
            Err(not_until) => Err(not_until.earliest_possible().as_u64().saturating_sub(now)),
        }
    }

    /// Charges units for a request that was admitted already, whether there are any left or not;
    /// after that the subject owes at most one burst beyond the one that he may owe anyway.
    ///
    /// Such a debt bounds what one request can cost the next ones: nobody is locked out for longer
    /// than it takes two bursts to come back.
    pub(super) fn charge_later(&self, subject: K, units: u32, now: u64) {
        let visit = Visit::new(subject);
        let charged = self.counts.measure_and_replace(&visit, |tat| {
            let tat = tat.unwrap_or(now);
            Ok::<_, Infallible>(((), self.later(tat, u64::from(units), now)))
        });
        match charged {
            Ok(()) => {}
        }
    }

    /// The TAT after `units` were charged later.
    fn later(&self, tat: u64, units: u64, now: u64) -> u64 {
        let owed = self.shape().later(tat.saturating_sub(now), units);
        (now + owed).max(tat)
    }

    /// Takes a charge of `cost` units back, as if it had never been made.
    ///
    /// What has become available since the charge would have become available without it: only
    /// the rest is given back. So a refund restores what there was at the time of the charge,
    /// and never adds a unit to what the quota admits, however late it comes.
    pub(super) fn refund(&self, subject: &K, cost: NonZeroU32, paid: Paid, now: u64) {
        // INVARIANT: a cost is at most B, and B T is at most 2^62.
        self.give_back(subject, self.shape().of(cost), paid, now);
    }

    pub(super) fn give_back(&self, subject: &K, charged: u64, paid: Paid, now: u64) {
        let rest = charged.saturating_sub(now.saturating_sub(paid.at));
        self.counts.refund(subject, rest, paid.shared);
    }

    /// Lets `decide` see the TAT of a subject and set a new one; its answer, and whether the count
    /// was that of all subjects for whom the table had no room.
    #[cfg(feature = "redis")]
    pub(super) fn replace<T, E>(
        &self,
        subject: K,
        decide: impl Fn(Option<u64>) -> Result<(T, u64), E>,
    ) -> Result<(T, bool), E> {
        let visit = Visit::new(subject);
        let answer = self.counts.measure_and_replace(&visit, decide)?;
        Ok((answer, visit.shared.get()))
    }

    pub(super) fn shape(&self) -> Shape {
        Shape {
            interval: self.interval,
            full: self.tolerance + self.interval,
        }
    }

    /// Nanoseconds after `now` at which a request of `cost` units will be admitted; zero if it
    /// would be now.
    pub(super) fn wait(&self, subject: &K, cost: NonZeroU32, now: u64) -> u64 {
        let tat = self.counts.tat(subject).unwrap_or(0);
        let beyond_one = self.interval.saturating_mul(u64::from(cost.get() - 1));
        tat.saturating_add(beyond_one)
            .saturating_sub(self.tolerance)
            .saturating_sub(now)
    }

    /// What the charge would have left if `units` had been added to it.
    pub(super) fn with_later(&self, paid: Paid, units: u64) -> Paid {
        Paid {
            remaining: paid
                .remaining
                .saturating_sub(u32::try_from(units).unwrap_or(u32::MAX)),
            tat: self.later(paid.tat, units, paid.at),
            ..paid
        }
    }

    /// Nanoseconds from the charge to the time when one unit more than [`Paid::remaining`] is
    /// available.
    pub(super) fn until_next(&self, paid: Paid) -> u64 {
        self.shape().until_next(paid)
    }
}

/// One question to the store, and what the store notes down beside its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Visit<K> {
    subject: K,
    tat: Cell<u64>,
    shared: Cell<bool>,
}

impl<K> Visit<K> {
    fn new(subject: K) -> Self {
        Self {
            subject,
            tat: Cell::new(0),
            shared: Cell::new(false),
        }
    }
}

/// governor asks for it and does not use it: [`Table`] hashes.
impl<K: Hash> Hash for Visit<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.subject.hash(state);
    }
}

#[derive(Debug)]
struct Counts<K> {
    slot: u32,
    table: Option<Arc<Table<K>>>,
    /// The TAT of all subjects together that are not in the table.
    shared: AtomicU64,
}

/// governor owns its store; a bucket needs it too.
#[derive(Debug)]
struct Store<K>(Arc<Counts<K>>);

impl<K: Clone + Eq + Hash> StateStore for Store<K> {
    type Key = Visit<K>;

    fn measure_and_replace<T, F, E>(&self, visit: &Visit<K>, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        self.0.measure_and_replace(visit, |tat| {
            decide(tat.map(Nanos::new)).map(|(answer, tat)| {
                visit.tat.set(tat.as_u64());
                (answer, tat.as_u64())
            })
        })
    }
}

impl<K: Clone + Eq + Hash> Counts<K> {
    /// Lets `decide` see the TAT of a subject and set a new one, in one step.
    fn measure_and_replace<T, E>(
        &self,
        visit: &Visit<K>,
        decide: impl Fn(Option<u64>) -> Result<(T, u64), E>,
    ) -> Result<T, E> {
        if let Some(table) = &self.table
            && let Some(answer) =
                table.measure_and_replace(self.slot, &visit.subject, |tat| decide(tat.copied()))
        {
            return answer;
        }
        visit.shared.set(true);
        let mut tat = self.shared.load(Ordering::Relaxed);
        loop {
            let (answer, next) = decide(Some(tat))?;
            // The number is all there is: nothing else is published through it.
            match self
                .shared
                .compare_exchange_weak(tat, next, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return Ok(answer),
                Err(current) => tat = current,
            }
        }
    }

    fn refund(&self, subject: &K, nanos: u64, shared: bool) {
        match &self.table {
            Some(table) if !shared => table.refund(self.slot, subject, nanos),
            _ => {
                self.shared
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tat| {
                        Some(tat.saturating_sub(nanos))
                    })
                    .ok();
            }
        }
    }

    fn tat(&self, subject: &K) -> Option<u64> {
        match &self.table {
            Some(table) => table
                .tat(self.slot, subject)
                .or_else(|| table.is_full().then(|| self.shared.load(Ordering::Relaxed))),
            None => Some(self.shared.load(Ordering::Relaxed)),
        }
    }
}

thread_local! {
    /// What governor is told when it asks for the time, so that a charge takes one reading.
    static TOLD: Cell<Option<u64>> = const { Cell::new(None) };
}

/// For as long as it lives, governor is told this time on this thread.
struct Told;

impl Told {
    fn set(now: u64) -> Self {
        TOLD.set(Some(now));
        Self
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        TOLD.set(None);
    }
}

/// Our clock for governor.
///
/// governor counts from the first reading that it takes, when a limiter is made. That reading is
/// zero here, so that its times are those of our clock: buckets that were made at different
/// times share one table, and one sweep.
#[derive(Debug)]
struct MonotonicClock {
    clock: Clock,
    started: AtomicBool,
}

impl MonotonicClock {
    fn new(clock: &Clock) -> Self {
        Self {
            clock: clock.clone(),
            started: AtomicBool::new(false),
        }
    }
}

impl governor::clock::Clock for MonotonicClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        if let Some(now) = TOLD.get() {
            return Nanos::new(now);
        }
        if self.started.load(Ordering::Relaxed) {
            return Nanos::new(now(&self.clock));
        }
        self.started.store(true, Ordering::Relaxed);
        Nanos::new(0)
    }
}
