//! How many at a time: places, which requests hold while they are in progress.
//!
//! A request takes a place of its route, where the policy bounds them, and one of the process,
//! before anything about it is expensive. It gives both back when it is refused, when its answer
//! was sent, or when its future is dropped: the handler panicked, or the client is gone. An answer
//! that may still be on its way when the handler is done (a stream, or more than fits into the
//! buffers in between) holds its places until the last of it was handed over, so a client who
//! reads slowly does not make room for one more.
//!
//! Where no place is free the request is refused at once. Nobody waits: a queue would only make
//! the callers that are served wait as long as those that gave up.
//!
//! # Priority
//!
//! The last places of the process are kept for routes with `priority = "critical"`: a request of
//! any other route is refused before it could take one of them.

use std::{
    collections::HashMap,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use arc_swap::ArcSwap;

use crate::{
    policy::{Policy, Priority},
    rejection::{Refusal, Rejection},
};

/// Requests in progress at a time, unless configured: more than a process serves well, and with
/// bodies of the default size no more than 640 MB.
pub(crate) const DEFAULT_MAX_IN_FLIGHT: NonZeroUsize =
    const { NonZeroUsize::new(10_000).expect("it is not zero") };

/// The share of these that is kept for critical routes, unless configured.
pub(crate) const DEFAULT_RESERVED_PERCENT: u8 = 10;

/// How long a client waits before it tries again. Places come back one by one and all the time.
const RETRY_AFTER_SECONDS: u64 = 1;

/// The refusal of a request for which there is no room at the moment.
pub(crate) fn overloaded(reason: &'static str) -> Rejection {
    Rejection::new(Refusal::Overloaded, reason).with_retry_after(RETRY_AFTER_SECONDS)
}

/// The places of a process and of its routes; one for all its workers.
#[derive(Debug)]
pub(crate) struct Concurrency {
    process: &'static Taken,
    /// Places of the process.
    max: usize,
    /// Those among them that are not kept for critical routes.
    open: usize,
    /// By the address of the policy, which is its identity: it is a static.
    routes: ArcSwap<HashMap<usize, &'static Taken, foldhash::fast::FixedState>>,
    /// Locked while a route is added.
    adding: Mutex<()>,
}

/// How many places are taken. Alone on its cache line: every worker writes it.
///
/// It is never freed. A process has one, and one for each route that is bounded; to count besides
/// who holds it would double what workers write to one place.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Taken(AtomicUsize);

impl Taken {
    fn none() -> &'static Self {
        Box::leak(Box::default())
    }
}

/// What a request holds while it is in progress.
#[derive(Debug, Default)]
pub(crate) struct Place {
    _route: Option<Held>,
    _process: Option<Held>,
}

/// One place that is taken until this is dropped.
#[derive(Debug)]
struct Held(&'static Taken);

impl Held {
    /// Takes a place if fewer than `most` are taken.
    fn take(places: &'static Taken, most: usize) -> Option<Self> {
        // Never above `most`, not even for an instant: who finds it full was not refused for the
        // sake of one who was refused too. The number is all there is, so nothing is ordered by it.
        places
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
                (taken < most).then_some(taken + 1)
            })
            .ok()?;
        Some(Self(places))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Concurrency {
    /// `max` places, of which `reserved_percent` (rounded up) are kept for critical routes; one at
    /// least is not.
    pub(crate) fn new(max: NonZeroUsize, reserved_percent: u8) -> Self {
        let max = max.get();
        let reserved = (max as u128 * u128::from(reserved_percent)).div_ceil(100);
        // Where it does not fit, it is more than there is.
        let reserved = usize::try_from(reserved).unwrap_or(usize::MAX);
        Self {
            process: Taken::none(),
            max,
            open: max.saturating_sub(reserved).max(1),
            routes: ArcSwap::default(),
            adding: Mutex::default(),
        }
    }

    /// Takes the places that a request of this policy needs.
    pub(crate) fn take(&self, policy: &'static Policy) -> Result<Place, Rejection> {
        // The route's first: a request that the process has no place for is then in nobody's way,
        // since there is none for others of its route either.
        let route = match policy.concurrency {
            None => None,
            Some(most) => {
                let most = usize::try_from(most).unwrap_or(usize::MAX);
                let held = Held::take(self.route(policy), most);
                Some(held.ok_or_else(|| overloaded("too many requests of the route"))?)
            }
        };
        let most = match policy.priority {
            Priority::Critical => self.max,
            Priority::Normal => self.open,
        };
        let process = Held::take(self.process, most)
            .ok_or_else(|| overloaded("too many requests of the process"))?;
        Ok(Place {
            _route: route,
            _process: Some(process),
        })
    }

    fn route(&self, policy: &'static Policy) -> &'static Taken {
        let identity = std::ptr::from_ref(policy).addr();
        if let Some(places) = self.routes.load().get(&identity) {
            return places;
        }
        let _adding = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have been here: two counts would double the places.
        if let Some(places) = self.routes.load().get(&identity) {
            return places;
        }
        let places = Taken::none();
        let mut routes = HashMap::clone(&self.routes.load());
        routes.insert(identity, places);
        self.routes.store(Arc::new(routes));
        places
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Barrier, atomic::AtomicU32},
        thread,
        time::Duration,
    };

    use super::*;
    use crate::policy::Access;

    fn policy(concurrency: Option<u32>, priority: Priority) -> &'static Policy {
        Box::leak(Box::new(Policy {
            handler: "tests::handler",
            file: file!(),
            line: line!(),
            access: Access::Public { reason: None },
            login: None,
            outage: crate::policy::Outage::Deny,
            quotas: &[],
            cost: 1,
            concurrency,
            priority,
            max_body: 0,
            body_timeout: Duration::ZERO,
            allow: None,
            inputs: &[],
        }))
    }

    fn places(max: usize, reserved_percent: u8) -> Concurrency {
        Concurrency::new(NonZeroUsize::new(max).unwrap(), reserved_percent)
    }

    /// Takes places until none is left.
    fn take_all(places: &Concurrency, policy: &'static Policy) -> Vec<Place> {
        std::iter::from_fn(|| places.take(policy).ok()).collect()
    }

    #[test]
    fn the_last_places_are_for_critical_routes() {
        for (max, percent, open) in [
            (100, 10, 90),
            (100, 0, 100),
            (100, 90, 10),
            (10, 10, 9),
            // Rounded up, or few places would mean none for critical routes.
            (15, 10, 13),
            (2, 10, 1),
            // One is open whatever is reserved.
            (1, 10, 1),
            (5, 100, 1),
            (5, 255, 1),
        ] {
            let (normal, critical) = (
                policy(None, Priority::Normal),
                policy(None, Priority::Critical),
            );
            let places = places(max, percent);
            let flood = take_all(&places, normal);
            assert_eq!(flood.len(), open, "{max} {percent}");
            let important = take_all(&places, critical);
            assert_eq!(important.len(), max - open, "{max} {percent}");
            // What critical routes hold of the open places, others cannot take.
            drop(flood);
            assert_eq!(
                take_all(&places, normal).len(),
                open - important.len().min(open)
            );
            drop(important);
            assert_eq!(take_all(&places, critical).len(), max);
        }
    }

    #[test]
    fn routes_are_counted_apart_and_a_refusal_holds_nothing() {
        let places = places(10, 0);
        let (one, other) = (
            policy(Some(3), Priority::Normal),
            policy(Some(4), Priority::Normal),
        );
        let of_one = take_all(&places, one);
        let of_other = take_all(&places, other);
        assert_eq!((of_one.len(), of_other.len()), (3, 4));
        // They were refused by their routes, and the process has the rest.
        let free = policy(None, Priority::Normal);
        let rest = take_all(&places, free);
        assert_eq!(rest.len(), 3);
        // Now the process refuses, and the route keeps its place.
        drop(of_one);
        let again = take_all(&places, free);
        assert_eq!(again.len(), 3);
        for _ in 0..5 {
            let refused = places.take(one).unwrap_err();
            assert_eq!(refused.refusal(), Refusal::Overloaded);
        }
        drop(again);
        assert_eq!(take_all(&places, one).len(), 3);
    }

    #[test]
    fn a_bound_of_zero_refuses_everything() {
        let places = places(10, 0);
        assert!(places.take(policy(Some(0), Priority::Critical)).is_err());
    }

    #[test]
    fn many_threads_never_hold_more_than_there_is() {
        const THREADS: usize = 8;
        // The route's own bound, and that of the process.
        for (concurrency, max) in [(Some(5), 1_000), (None, 5), (Some(5), 5)] {
            let policy = policy(concurrency, Priority::Normal);
            let places = places(max, 0);
            let held = AtomicU32::new(0);
            let barrier = Barrier::new(THREADS);
            for _ in 0..200 {
                thread::scope(|scope| {
                    for _ in 0..THREADS {
                        scope.spawn(|| {
                            barrier.wait();
                            let place = places.take(policy);
                            if place.is_ok() {
                                held.fetch_add(1, Ordering::Relaxed);
                            }
                            // All have tried, and nobody has let go.
                            barrier.wait();
                            drop(place);
                        });
                    }
                });
                assert_eq!(held.swap(0, Ordering::Relaxed), 5);
            }
            assert_eq!(take_all(&places, policy).len(), 5);
        }
    }
}
