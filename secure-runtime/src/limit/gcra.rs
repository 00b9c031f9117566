//! The generic cell rate algorithm, as governor computes it.
//!
//! governor decides about a number and changes it: what a subject owes. Where that number lives,
//! and what the time is, it is not told: its time stands still at zero, so all times that it sees
//! and says are counted from the request on.

use std::{cell::Cell, num::NonZeroU32};

use governor::{
    RateLimiter,
    clock::Clock,
    middleware::StateInformationMiddleware,
    nanos::Nanos,
    state::{StateStore, direct::NotKeyed},
};

/// Charges a subject who owes so many nanoseconds `cost` units of a quota: the units that are left
/// then, and what is owed; or the nanoseconds to wait. `None`: it would be for ever.
#[inline]
pub(super) fn charge(
    quota: governor::Quota,
    owed: u64,
    cost: NonZeroU32,
) -> Option<Result<(u32, u64), u64>> {
    let owed = Owed(Cell::new(owed));
    let limiter: RateLimiter<_, _, _, StateInformationMiddleware> =
        RateLimiter::new(quota, &owed, Now);
    let decision = limiter.check_n(cost).ok()?;
    Some(match decision {
        Ok(state) => Ok((state.remaining_burst_capacity(), owed.0.get())),
        Err(not_until) => Err(not_until.earliest_possible().as_u64()),
    })
}

struct Owed(Cell<u64>);

impl StateStore for &Owed {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _: &NotKeyed, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let (answer, owed) = decide(Some(Nanos::new(self.0.get())))?;
        self.0.set(owed.as_u64());
        Ok(answer)
    }
}

/// The time of a request, to which all others are relative.
#[derive(Clone, Debug)]
struct Now;

impl Clock for Now {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::new(0)
    }
}
