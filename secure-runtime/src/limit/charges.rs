//! What a request has been charged so far.

#[cfg(feature = "redis")]
use std::num::NonZeroU32;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use actix_web::http::header::HeaderValue;
use smallvec::SmallVec;

use super::{
    bucket::Paid,
    fields::{self, Label},
    route::{Caller, Limit, RouteLimits},
    subject::Identity,
};
use crate::{address::Network, policy::Policy};

/// Charges that are kept without memory from the heap. Few policies have more quotas.
type Made = SmallVec<[Charge; 3]>;

/// What a request has been charged so far: nothing, where its policy has no quotas.
///
/// Dropping this takes nothing back.
#[derive(Debug, Default)]
pub(crate) struct Charges {
    /// `None` where nothing was charged and nothing will be.
    pub(super) policy: Option<&'static Policy>,
    pub(super) network: Network,
    /// When the request came. It is charged as of then, however long its caller was looked for.
    pub(super) now: u64,
    made: Made,
    /// Units that a [`Meter`](super::Meter) has charged meanwhile; `None` where nobody has one.
    later: Option<Arc<AtomicU64>>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Charge {
    /// Place of the quota in its policy.
    pub(super) quota: usize,
    pub(super) paid: Paid,
    pub(super) source: Source,
}

/// Where it was charged.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// From what this process took ahead, to be used until then.
    #[cfg(feature = "redis")]
    Lease { until: u64 },
    /// In the memory of this process.
    Memory,
    /// In memory, as one of so many processes.
    #[cfg(feature = "redis")]
    Share { instances: NonZeroU32 },
    /// In the store that processes share.
    #[cfg(feature = "redis")]
    Store,
}

impl Charges {
    pub(super) fn caller<'a>(&self, identity: Option<&'a Identity>) -> Caller<'a> {
        Caller {
            network: self.network,
            identity,
        }
    }

    pub(super) fn push(&mut self, quota: usize, paid: Paid, source: Source) {
        self.made.push(Charge {
            quota,
            paid,
            source,
        });
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Charge> {
        self.made.iter()
    }

    /// Takes back what was charged in memory, and forgets the rest.
    pub(super) fn refund(&mut self, route: &RouteLimits, caller: Caller<'_>, now: u64) {
        for charge in self.iter() {
            if let Source::Memory = charge.source
                && let Some(limit) = route.limits.get(charge.quota)
            {
                limit.refund(caller, route.cost, charge.paid, now);
            }
        }
        self.made.clear();
    }

    /// The count of the units that are charged while the request is served.
    pub(super) fn later(&mut self) -> Arc<AtomicU64> {
        Arc::clone(self.later.get_or_insert_default())
    }

    /// The values of `RateLimit-Policy` and `RateLimit`, for an answer that is not a refusal.
    ///
    /// Both tell how things stood when the request was admitted, less what it was charged since.
    pub(super) fn fields(&self, route: &RouteLimits) -> Option<(HeaderValue, HeaderValue)> {
        let policy = route.policy_field.clone()?;
        let states = self.states(route);
        let states = states
            .map(|(limit, label, paid)| (label, paid.remaining, limit.shape.until_next(paid)));
        Some((policy, fields::state(states, route.longest_field)?))
    }

    /// Whether at most half of a quota of which callers are told is left.
    pub(super) fn are_scarce(&self, route: &RouteLimits) -> bool {
        self.states(route)
            .any(|(limit, _, paid)| paid.remaining <= limit.quota.burst / 2)
    }

    /// What is left of the quotas of which callers are told.
    fn states<'a>(
        &'a self,
        route: &'a RouteLimits,
    ) -> impl DoubleEndedIterator<Item = (&'a Limit, &'a Label, Paid)> {
        let later = self.later.as_ref();
        let later = later.map_or(0, |later| later.load(Ordering::Relaxed));
        self.iter().filter_map(move |charge| {
            let limit = route.limits.get(charge.quota)?;
            let label = limit.label.as_ref()?;
            let paid = match later {
                0 => charge.paid,
                units => limit.shape.with_later(charge.paid, units),
            };
            Some((limit, label, paid))
        })
    }
}
