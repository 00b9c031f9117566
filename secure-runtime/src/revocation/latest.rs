//! The latest token that was seen of each issuer.
//!
//! A cut-off is a time of our clock, or of the store's, `iat` one of the issuer's. A token from an
//! issuer whose clock is ahead of that, or of the time before our clock was put back, would outlive
//! a cut-off that is made right after it was used. So no cut-off is before the greatest `iat` that
//! was seen of its issuer.

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicU64, Ordering},
    },
};

/// The greatest `iat` by issuer, in milliseconds. Only issuers of verified tokens come in, which are
/// configured.
#[derive(Debug, Default)]
pub(super) struct Latest(RwLock<HashMap<Arc<str>, AtomicU64>>);

impl Latest {
    /// Remembers an `iat`.
    pub(super) fn note(&self, issuer: &str, issued_at: u64) {
        if let Some(latest) = self.read().get(issuer) {
            // Seldom the latest, and what is only read does not slow other workers down.
            if latest.load(Ordering::Acquire) < issued_at {
                latest.fetch_max(issued_at, Ordering::AcqRel);
            }
            return;
        }
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let latest = all.entry(Arc::from(issuer)).or_default();
        latest.fetch_max(issued_at, Ordering::AcqRel);
    }

    /// The cut-off for what has been issued until `now`; of every issuer for an empty name.
    pub(super) fn cut_off(&self, issuer: &str, now: u64) -> u64 {
        let all = self.read();
        let load = |latest: &AtomicU64| latest.load(Ordering::Acquire);
        let latest = match issuer {
            "" => all.values().map(load).max(),
            issuer => all.get(issuer).map(load),
        };
        latest.unwrap_or(0).max(now)
    }

    /// Whole between two statements, so a panic leaves it usable.
    fn read(&self) -> RwLockReadGuard<'_, HashMap<Arc<str>, AtomicU64>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}
