//! Issuers whose clocks are ahead of ours.
//!
//! A cut-off is a time of our clock, or of the store's, `iat` one of the issuer's. A token from an
//! issuer whose clock is ahead of that would outlive a cut-off that is made right after it was used.
//! So the greatest `iat` that has been seen ahead is remembered, and no cut-off of its issuer is
//! before it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// By issuer, in milliseconds. Only issuers of verified tokens come in, which are configured.
#[derive(Debug, Default)]
pub(super) struct Ahead(Mutex<HashMap<Arc<str>, u64>>);

impl Ahead {
    /// Remembers an `iat` that is ahead of the clock that cut-offs are of.
    pub(super) fn note(&self, issuer: &str, issued_at: u64) {
        let mut latest = self.lock();
        match latest.get_mut(issuer) {
            Some(known) => *known = issued_at.max(*known),
            None => {
                latest.insert(Arc::from(issuer), issued_at);
            }
        }
    }

    /// The cut-off for what has been issued until `now`; of every issuer for an empty name.
    pub(super) fn cut_off(&self, issuer: &str, now: u64) -> u64 {
        let latest = self.lock();
        let known = match issuer {
            "" => latest.values().max(),
            issuer => latest.get(issuer),
        };
        known.copied().unwrap_or(0).max(now)
    }

    /// Whole between two statements, so a panic leaves it usable.
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
