//! Where the records are: in this process, or in the Redis that processes share.

use super::{
    LoginError,
    key::{Key, Subject},
    memory::Memory,
    rules::{Limits, Outcome, Reservation, Rules, State, Verdict},
};
use crate::{clock::Clock, policy::Outage, rejection::Rejection};

/// When to come back after the shared store was silent, in seconds.
pub(super) const RETRY_AFTER: u64 = 2;

#[derive(Debug)]
pub(super) struct Store {
    memory: Memory,
}

/// Which records know of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Here,
}

impl Store {
    pub(super) fn new(clock: Clock, limits: Limits, max_keys: usize) -> Self {
        Self {
            memory: Memory::new(clock, limits, max_keys),
        }
    }

    pub(super) fn is_shared(&self) -> bool {
        false
    }

    /// Judges an attempt and counts it as a failure.
    pub(super) async fn reserve(
        &self,
        subject: &Subject,
        rules: &Rules,
        outage: Outage,
    ) -> Result<(Verdict, Place), Rejection> {
        let _ = outage;
        Ok((self.memory.reserve(subject, rules), Place::Here))
    }

    /// Says what became of an attempt. If that gets lost, it has failed.
    pub(super) async fn settle(
        &self,
        _place: Place,
        subject: &Subject,
        reservation: &Reservation,
        outcome: Outcome,
    ) {
        self.memory.settle(subject, reservation, outcome);
    }

    /// Forgives an account; `enable` forgives everything.
    pub(super) async fn forgive(&self, marks: Key, enable: bool) -> Result<(), LoginError> {
        self.memory.forgive(marks, enable);
        Ok(())
    }

    pub(super) async fn state(
        &self,
        marks: Key,
        account: Key,
        rules: &Rules,
    ) -> Result<State, LoginError> {
        Ok(self.memory.state(marks, account, rules))
    }
}
