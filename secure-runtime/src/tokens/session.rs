//! A session: what one login has opened, and what presenting one of its refresh tokens does to it.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{
    refresh::{Proof, SessionId},
    subject::Subject,
};
use crate::{
    auth::{self, SessionHolder},
    settings::TokenIssuerSettings,
};

/// A session, which is the same as a family of refresh tokens. Times are in milliseconds since
/// 1970.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) id: SessionId,
    pub(super) subject: Arc<Subject>,
    /// Seconds.
    pub(super) auth_time: u64,
    pub(super) opened_at: u64,
    /// When the newest refresh token was issued.
    pub(super) renewed_at: u64,
    /// Of the newest refresh token; older ones are spent.
    pub(super) generation: u32,
    pub(super) proof: Proof,
}

/// The bounds of every session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) idle: u64,
    pub(super) absolute: u64,
    pub(super) grace: u64,
    pub(super) max_sessions: usize,
    pub(super) max_per_subject: usize,
}

impl Limits {
    pub(super) fn new(settings: &TokenIssuerSettings) -> Self {
        Self {
            idle: auth::millis(settings.idle_lifetime),
            absolute: auth::millis(settings.absolute_lifetime),
            grace: auth::millis(settings.retry_grace),
            max_sessions: settings.max_sessions.get(),
            max_per_subject: settings.max_sessions_per_subject.get(),
        }
    }
}

/// What presenting a refresh token comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The session is over, and is to be removed.
    Expired,
    /// It was spent before, and not just now: the session is to be removed.
    Reused,
    /// It was the newest until a moment ago: the newest is given once more, and nothing changes.
    Retried,
    /// It was the newest, and now is spent.
    Rotated,
    /// It is none of this session's.
    Unknown,
}

impl Session {
    /// Presents a refresh token of the session. This is the whole rule; every store follows it,
    /// and does so in one step that nothing comes between.
    pub(super) fn present(
        &mut self,
        generation: u32,
        proof: &Proof,
        now: u64,
        limits: &Limits,
    ) -> Outcome {
        if !self.proof.is(proof) || generation > self.generation {
            return Outcome::Unknown;
        }
        if now >= self.deadline(limits) {
            return Outcome::Expired;
        }
        if generation == self.generation {
            let Some(next) = generation.checked_add(1) else {
                return Outcome::Expired;
            };
            self.generation = next;
            self.renewed_at = now;
            return Outcome::Rotated;
        }
        let is_last = generation + 1 == self.generation;
        if is_last && now < self.renewed_at.saturating_add(limits.grace) {
            Outcome::Retried
        } else {
            Outcome::Reused
        }
    }

    /// When the session is over, unless it is renewed before.
    pub(super) fn deadline(&self, limits: &Limits) -> u64 {
        let idle = self.renewed_at.saturating_add(limits.idle);
        idle.min(self.end(limits))
    }

    /// When it is over whatever happens.
    pub(super) fn end(&self, limits: &Limits) -> u64 {
        self.opened_at.saturating_add(limits.absolute)
    }

    pub(super) fn holder<'a>(&'a self, session_id: &'a str) -> SessionHolder<'a> {
        SessionHolder {
            client_id: &self.subject.client_id,
            opened_at: self.opened_at,
            session_id,
            subject: &self.subject.name,
        }
    }
}

/// A session of a subject, for a page that lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ActiveSession {
    /// Its id, the `sid` of its access tokens.
    pub id: String,
    /// The client that it was opened with.
    pub client_id: String,
    /// When the subject logged in.
    pub opened_at: SystemTime,
    /// When it was last refreshed.
    pub refreshed_at: SystemTime,
    /// When it ends, unless it is refreshed before.
    pub expires_at: SystemTime,
}

impl ActiveSession {
    pub(super) fn new(session: &Session, limits: &Limits) -> Self {
        Self {
            id: session.id.to_string(),
            client_id: session.subject.client_id.clone(),
            opened_at: at(session.opened_at),
            refreshed_at: at(session.renewed_at),
            expires_at: at(session.deadline(limits)),
        }
    }
}

/// Beyond what the system can tell there is no session.
fn at(millis: u64) -> SystemTime {
    UNIX_EPOCH
        .checked_add(Duration::from_millis(millis))
        .unwrap_or(UNIX_EPOCH)
}
