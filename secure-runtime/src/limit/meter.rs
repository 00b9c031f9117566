//! Charges that are known only after the fact.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    Charges,
    route::{Caller, RouteLimits},
    subject::Identity,
};
use crate::{address::Network, security::Security};

/// Charges the caller for what a request turned out to cost; a parameter of a handler.
///
/// For answers whose price is known only when they were made: tokens of a language model, rows of
/// a search, bytes of an export. The request is admitted as long as anything is left for its
/// [`cost`](crate::Policy::cost), and the handler charges the rest:
///
/// ```
/// use actix_web::{Responder, post};
/// use secure_runtime::{Meter, secured};
/// # async fn complete() -> (String, u32) { (String::new(), 1) }
///
/// // Units are tokens: 20,000 a minute.
/// #[secured(rate = "20000/min")]
/// #[post("/complete")]
/// async fn completion(meter: Meter) -> impl Responder {
///     let (text, tokens) = complete().await;
///     meter.charge(tokens).await;
///     text
/// }
/// ```
///
/// Every quota of the route is charged, as a request is. They may go into debt by it, and the
/// caller's next requests are refused until the debt is paid back. A quota owes at most one burst,
/// whatever is charged: choose the burst at least as large as the costliest request.
///
/// A handler ends where it awaits when its client is gone, and what comes after is not charged.
/// Charge before what costs, or bit by bit, or in a task of its own: a `Meter` may be cloned, sent
/// to other threads, and outlive the request.
///
/// What a store that processes share does not hear is charged to this process' share of the quota.
/// With `outage = "deny"` there is none: up to one burst it is free then.
///
/// A route without quotas that takes a `Meter` stops the start.
#[derive(Clone)]
pub struct Meter {
    security: Security,
    route: Arc<RouteLimits>,
    network: Network,
    identity: Option<Identity>,
    charged: Arc<AtomicU64>,
}

/// How a caller's quotas stand after a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balance {
    /// The next request to the route would be admitted.
    Left,
    /// It would be refused, because less is left than it costs, or there are debts.
    UsedUp {
        /// For how long, unless others share a quota.
        wait: Duration,
    },
}

impl Meter {
    /// `None`: the request is charged to no quota.
    pub(crate) fn new(
        security: &Security,
        charges: &mut Charges,
        identity: Option<&Identity>,
    ) -> Option<Self> {
        Some(Self {
            route: Arc::clone(security.limiter().route_of(charges)?),
            security: security.clone(),
            network: charges.network,
            identity: identity.cloned(),
            charged: charges.later(),
        })
    }

    /// Charges `units` to every quota of the route, in addition to what the request has cost so
    /// far. With zero, tells how they stand.
    ///
    /// In the memory of a process this waits for nothing.
    pub async fn charge(&self, units: u32) -> Balance {
        self.charged.fetch_add(u64::from(units), Ordering::Relaxed);
        let caller = Caller {
            network: self.network,
            identity: self.identity.as_ref(),
        };
        match self
            .security
            .limiter()
            .charge_later(&self.route, caller, units)
            .await
        {
            0 => Balance::Left,
            nanos => Balance::UsedUp {
                wait: Duration::from_nanos(nanos),
            },
        }
    }
}

/// Nothing of the caller is shown.
impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter")
            .field("charged", &self.charged)
            .finish_non_exhaustive()
    }
}
