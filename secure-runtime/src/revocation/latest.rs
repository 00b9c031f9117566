//! The latest token that was seen of each issuer.
//!
//! A cut-off is a time of our clock, or of the store's, `iat` one of the issuer's. A token from an
//! issuer whose clock is ahead of that, or of the time before our clock was put back, would outlive
//! a cut-off that is made right after it was used. So no cut-off is before the greatest `iat` that
//! was seen of its issuer.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;

type ByIssuer = HashMap<Arc<str>, Arc<AtomicU64>>;

/// The greatest `iat` by issuer, in milliseconds. Only issuers of verified tokens come in, which are
/// configured.
#[derive(Debug, Default)]
pub(super) struct Latest(ArcSwap<ByIssuer>);

impl Latest {
    /// Remembers an `iat`.
    pub(super) fn note(&self, issuer: &str, issued_at: u64) {
        loop {
            if let Some(latest) = self.0.load().get(issuer) {
                // Seldom the latest, and what is only read does not slow other workers down.
                if latest.load(Ordering::Acquire) < issued_at {
                    latest.fetch_max(issued_at, Ordering::AcqRel);
                }
                return;
            }
            self.0.rcu(|all| {
                let mut all = ByIssuer::clone(all);
                all.entry(Arc::from(issuer)).or_default();
                all
            });
        }
    }

    /// The cut-off for what has been issued until `now`; of every issuer for an empty name.
    pub(super) fn cut_off(&self, issuer: &str, now: u64) -> u64 {
        let all = self.0.load();
        let load = |latest: &Arc<AtomicU64>| latest.load(Ordering::Acquire);
        let latest = match issuer {
            "" => all.values().map(load).max(),
            issuer => all.get(issuer).map(load),
        };
        latest.unwrap_or(0).max(now)
    }
}
