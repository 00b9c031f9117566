//! Sessions in the memory of this process.
//!
//! One lock for all: a session is touched once in minutes, for microseconds. What has expired is
//! taken out by the calls that come after, a few at a time, so that no call sweeps them all.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use foldhash::quality::RandomState;

use super::SWEPT_PER_CALL;
use crate::tokens::{
    TokenError,
    refresh::{Proof, SessionId},
    session::{Limits, Outcome, Session},
};

pub(crate) struct MemorySessions {
    limits: Limits,
    table: Mutex<Table>,
}

/// INVARIANT: the three have the same sessions.
#[derive(Default)]
struct Table {
    sessions: HashMap<SessionId, Session, RandomState>,
    by_deadline: BTreeSet<(u64, SessionId)>,
    by_subject: HashMap<Box<str>, Vec<SessionId>, RandomState>,
}

impl MemorySessions {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            table: Mutex::default(),
        }
    }

    pub(super) fn open(&self, session: Session, now: u64) -> Result<Option<SessionId>, TokenError> {
        let limits = &self.limits;
        let mut table = self.lock();
        table.sweep(now, limits);
        let living = table.living(&session.subject.name, now, limits);
        let mut ended = None;
        if living.len() >= limits.max_per_subject {
            ended = living.into_iter().min().map(|(_, id)| id);
        } else if table.sessions.len() >= limits.max_sessions {
            return Err(TokenError::Full {
                max_sessions: limits.max_sessions,
            });
        }
        if let Some(id) = ended {
            table.remove(id, limits);
        }
        table.insert(session, limits);
        Ok(ended)
    }

    pub(super) fn find(&self, id: SessionId) -> Option<Session> {
        self.lock().sessions.get(&id).cloned()
    }

    pub(super) fn present(
        &self,
        id: SessionId,
        generation: u32,
        proof: &Proof,
        now: u64,
    ) -> (Outcome, Option<Session>) {
        let limits = &self.limits;
        let mut table = self.lock();
        let Some(session) = table.sessions.get_mut(&id) else {
            return (Outcome::Unknown, None);
        };
        let before = session.deadline(limits);
        let outcome = session.present(generation, proof, now, limits);
        match outcome {
            Outcome::Rotated => {
                let session = session.clone();
                table.by_deadline.remove(&(before, id));
                table.by_deadline.insert((session.deadline(limits), id));
                (outcome, Some(session))
            }
            Outcome::Retried => (outcome, Some(session.clone())),
            Outcome::Expired | Outcome::Reused => (outcome, table.remove(id, limits)),
            Outcome::Unknown => (outcome, None),
        }
    }

    pub(super) fn end(&self, id: SessionId, subject: &str) -> bool {
        let mut table = self.lock();
        let found = table.sessions.get(&id);
        let is_theirs = found.is_some_and(|session| session.subject.name == subject);
        is_theirs && table.remove(id, &self.limits).is_some()
    }

    pub(super) fn end_all(&self, subject: &str, keep: Option<SessionId>) -> Vec<SessionId> {
        let mut table = self.lock();
        let held = table.by_subject.get(subject).cloned().unwrap_or_default();
        held.into_iter()
            .filter(|id| Some(*id) != keep && table.remove(*id, &self.limits).is_some())
            .collect()
    }

    pub(super) fn list(&self, subject: &str, now: u64) -> Vec<Session> {
        let table = self.lock();
        let held = table.by_subject.get(subject).into_iter().flatten();
        held.filter_map(|id| table.sessions.get(id))
            .filter(|session| now < session.deadline(&self.limits))
            .cloned()
            .collect()
    }

    pub(super) fn count(&self) -> usize {
        self.lock().sessions.len()
    }

    /// Nothing in here panics half-way through a change.
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn insert(&mut self, session: Session, limits: &Limits) {
        let id = session.id;
        self.by_deadline.insert((session.deadline(limits), id));
        let subject = session.subject.name.as_str();
        match self.by_subject.get_mut(subject) {
            Some(held) => held.push(id),
            None => {
                self.by_subject.insert(subject.into(), vec![id]);
            }
        }
        self.sessions.insert(id, session);
    }

    fn remove(&mut self, id: SessionId, limits: &Limits) -> Option<Session> {
        let session = self.sessions.remove(&id)?;
        self.by_deadline.remove(&(session.deadline(limits), id));
        let subject = session.subject.name.as_str();
        if let Some(held) = self.by_subject.get_mut(subject) {
            held.retain(|held| *held != id);
            if held.is_empty() {
                self.by_subject.remove(subject);
            }
        }
        Some(session)
    }

    /// The sessions of a subject with when they were renewed; those that have expired are removed.
    fn living(&mut self, subject: &str, now: u64, limits: &Limits) -> Vec<(u64, SessionId)> {
        let held = self.by_subject.get(subject).cloned().unwrap_or_default();
        let mut living = Vec::with_capacity(held.len());
        for id in held {
            match self.sessions.get(&id) {
                Some(session) if now < session.deadline(limits) => {
                    living.push((session.renewed_at, id));
                }
                _ => {
                    self.remove(id, limits);
                }
            }
        }
        living
    }

    fn sweep(&mut self, now: u64, limits: &Limits) {
        for _ in 0..SWEPT_PER_CALL {
            match self.by_deadline.first() {
                Some(&(deadline, id)) if deadline <= now => {
                    self.remove(id, limits);
                }
                _ => return,
            }
        }
    }
}

/// How many, not whose.
impl fmt::Debug for MemorySessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySessions")
            .field("count", &self.count())
            .finish_non_exhaustive()
    }
}
