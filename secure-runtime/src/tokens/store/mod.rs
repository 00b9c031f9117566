//! Where sessions are kept.
//!
//! A store does seven things. Each is one step: two calls of the same session come one after the
//! other, in every process that shares the store. What a store decides, [`Session::present`]
//! decides; [`memory`] is the reference that any other is tested against.

mod memory;
#[cfg(feature = "redis")]
mod redis;

#[cfg(feature = "redis")]
use std::sync::Arc;

use self::memory::MemorySessions;
#[cfg(feature = "redis")]
use self::redis::RedisSessions;
use super::{
    TokenError,
    refresh::{Proof, SessionId},
    session::{Limits, Outcome, Session},
};

/// Most expired sessions that one call takes out: more than it can add, and few enough that no
/// call takes long.
const SWEPT_PER_CALL: usize = 16;

/// The sessions of an issuer.
#[derive(Debug)]
pub(super) enum Sessions {
    /// In this process; they end with it.
    Memory(MemorySessions),
    /// In Redis, for every process.
    #[cfg(feature = "redis")]
    Redis(RedisSessions),
}

impl Sessions {
    pub(super) fn in_memory(limits: Limits) -> Self {
        Self::Memory(MemorySessions::new(limits))
    }

    #[cfg(feature = "redis")]
    pub(super) fn in_redis(server: Arc<crate::store::Server>, limits: Limits) -> Self {
        Self::Redis(RedisSessions::new(server, limits))
    }

    /// The same, with answers that may take long.
    #[cfg(all(test, feature = "redis"))]
    pub(super) async fn patient_in_redis(
        server: Arc<crate::store::Server>,
        limits: Limits,
    ) -> Self {
        Self::Redis(RedisSessions::patient(server, limits).await)
    }

    /// Adds a session. Where its subject has as many as one may have, the one that was not renewed
    /// for longest ends, and is returned.
    pub(super) async fn open(
        &self,
        session: Session,
        now: u64,
    ) -> Result<Option<SessionId>, TokenError> {
        match self {
            Self::Memory(sessions) => sessions.open(session, now),
            #[cfg(feature = "redis")]
            Self::Redis(sessions) => sessions.open(&session, now).await,
        }
    }

    /// A session, whether or not it has expired.
    pub(super) async fn find(&self, id: SessionId) -> Result<Option<Session>, TokenError> {
        match self {
            Self::Memory(sessions) => Ok(sessions.find(id)),
            #[cfg(feature = "redis")]
            Self::Redis(sessions) => sessions.find(id).await,
        }
    }

    /// Presents a refresh token of a session that was found. The session is there where the token
    /// was rotated or retried, as it is afterwards, and where it has just ended by this; no other
    /// call gets that one.
    pub(super) async fn present(
        &self,
        session: &Session,
        generation: u32,
        proof: &Proof,
        now: u64,
    ) -> Result<(Outcome, Option<Session>), TokenError> {
        match self {
            Self::Memory(sessions) => Ok(sessions.present(session.id, generation, proof, now)),
            #[cfg(feature = "redis")]
            Self::Redis(sessions) => sessions.present(session, generation, proof, now).await,
        }
    }

    /// Ends a session of this subject; whether there was one.
    pub(super) async fn end(&self, id: SessionId, subject: &str) -> Result<bool, TokenError> {
        match self {
            Self::Memory(sessions) => Ok(sessions.end(id, subject)),
            #[cfg(feature = "redis")]
            Self::Redis(sessions) => sessions.end(id, subject).await,
        }
    }

    /// Ends every session of a subject but `keep`; which they were.
    pub(super) async fn end_all(
        &self,
        subject: &str,
        keep: Option<SessionId>,
    ) -> Result<Vec<SessionId>, TokenError> {
        match self {
            Self::Memory(sessions) => Ok(sessions.end_all(subject, keep)),
            #[cfg(feature = "redis")]
            Self::Redis(sessions) => sessions.end_all(subject, keep).await,
        }
    }

    /// The sessions of a subject that have not expired.
    pub(super) async fn list(&self, subject: &str, now: u64) -> Result<Vec<Session>, TokenError> {
        match self {
            Self::Memory(sessions) => Ok(sessions.list(subject, now)),
            #[cfg(feature = "redis")]
            Self::Redis(sessions) => sessions.list(subject, now).await,
        }
    }

    /// How many there are, expired ones that were not swept yet among them.
    pub(super) async fn count(&self) -> Result<usize, TokenError> {
        match self {
            Self::Memory(sessions) => Ok(sessions.count()),
            #[cfg(feature = "redis")]
            Self::Redis(sessions) => sessions.count().await,
        }
    }
}
