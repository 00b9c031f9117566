//! Where sessions are kept.
//!
//! A store does seven things. Each is one step: two calls of the same session come one after the
//! other, in every process that shares the store. What a store decides, [`Session::present`]
//! decides; [`memory`] is the reference that any other is tested against.

mod memory;

use self::memory::MemorySessions;
use super::{
    TokenError,
    refresh::{Proof, SessionId},
    session::{Limits, Outcome, Session},
};

/// The sessions of an issuer.
#[derive(Debug)]
pub(super) enum Sessions {
    /// In this process; they end with it.
    Memory(MemorySessions),
}

impl Sessions {
    pub(super) fn in_memory(limits: Limits) -> Self {
        Self::Memory(MemorySessions::new(limits))
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
        }
    }

    /// A session, whether or not it has expired.
    pub(super) async fn find(&self, id: SessionId) -> Result<Option<Session>, TokenError> {
        match self {
            Self::Memory(sessions) => Ok(sessions.find(id)),
        }
    }

    /// Presents a refresh token. The session is there where the token was rotated or retried, as
    /// it is afterwards, and where it has just ended by this; no other call gets that one.
    pub(super) async fn present(
        &self,
        id: SessionId,
        generation: u32,
        proof: &Proof,
        now: u64,
    ) -> Result<(Outcome, Option<Session>), TokenError> {
        match self {
            Self::Memory(sessions) => Ok(sessions.present(id, generation, proof, now)),
        }
    }

    /// Ends a session; whether there was one.
    pub(super) async fn end(&self, id: SessionId) -> Result<bool, TokenError> {
        match self {
            Self::Memory(sessions) => Ok(sessions.end(id)),
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
        }
    }

    /// The sessions of a subject that have not expired.
    pub(super) async fn list(&self, subject: &str, now: u64) -> Result<Vec<Session>, TokenError> {
        match self {
            Self::Memory(sessions) => Ok(sessions.list(subject, now)),
        }
    }

    /// How many there are, expired ones that were not swept yet among them.
    pub(super) async fn count(&self) -> Result<usize, TokenError> {
        match self {
            Self::Memory(sessions) => Ok(sessions.count()),
        }
    }
}
