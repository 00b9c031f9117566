//! The generic cell rate algorithm, as governor computes it.
//!
//! governor decides about a number and changes it: what a subject owes. Where that number is kept,
//! and what the time is, it is not told: its clock stands still at zero, so all times that it sees
//! and says are counted from the request on.

use std::{
    cell::Cell,
    hash::{Hash, Hasher},
    num::NonZeroU32,
    time::Duration,
};

use governor::{
    Quota, RateLimiter, clock::Clock, middleware::StateInformationMiddleware, nanos::Nanos,
    state::StateStore,
};

/// A quota, as governor has it.
#[derive(Debug)]
pub(super) struct Gcra(RateLimiter<Owed, InItsKey, StandsStill, StateInformationMiddleware>);

impl Gcra {
    /// `None`: `interval`, what one unit costs, is zero.
    pub(super) fn new(interval: Duration, burst: NonZeroU32) -> Option<Self> {
        let quota = Quota::with_period(interval)?.allow_burst(burst);
        Some(Self(RateLimiter::new(quota, InItsKey, StandsStill)))
    }

    /// Charges a subject who owes so many nanoseconds `cost` units: the units that are left then,
    /// and what is owed; or the nanoseconds to wait. `None`: it would be for ever.
    #[inline]
    pub(super) fn charge(&self, owed: u64, cost: NonZeroU32) -> Option<Result<(u32, u64), u64>> {
        let owed = Owed(Cell::new(owed));
        let decision = self.0.check_key_n(&owed, cost).ok()?;
        Some(match decision {
            Ok(state) => Ok((state.remaining_burst_capacity(), owed.0.get())),
            Err(not_until) => Err(not_until.earliest_possible().as_u64()),
        })
    }
}

/// What a subject owes: the key that governor is asked about, and what it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Owed(Cell<u64>);

/// governor asks for it and does not use it: there is nothing to be looked up.
impl Hash for Owed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.get().hash(state);
    }
}

#[derive(Debug)]
struct InItsKey;

impl StateStore for InItsKey {
    type Key = Owed;

    #[inline]
    fn measure_and_replace<T, F, E>(&self, key: &Owed, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let (answer, owed) = decide(Some(Nanos::new(key.0.get())))?;
        key.0.set(owed.as_u64());
        Ok(answer)
    }
}

#[derive(Clone, Debug)]
struct StandsStill;

impl Clock for StandsStill {
    type Instant = Nanos;

    #[inline]
    fn now(&self) -> Nanos {
        Nanos::new(0)
    }
}
