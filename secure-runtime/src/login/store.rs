//! Where the records are: in this process, or in the Redis that processes share.

#[cfg(feature = "redis")]
use super::shared::Shared;
use super::{
    LoginError,
    key::{Key, Subject},
    memory::Memory,
    rules::{Limits, Outcome, Reservation, Rules, State, Verdict},
};
#[cfg(feature = "redis")]
use crate::rejection::Refusal;
use crate::{clock::Clock, policy::Outage, rejection::Rejection};

/// When to come back after the shared store was silent, in seconds.
pub(super) const RETRY_AFTER: u64 = 2;

#[derive(Debug)]
pub(super) struct Store {
    memory: Memory,
    #[cfg(feature = "redis")]
    shared: Option<Shared>,
}

/// Which records know of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Those of this process.
    Here,
    #[cfg(feature = "redis")]
    Shared,
}

impl Store {
    pub(super) fn new(
        clock: Clock,
        limits: Limits,
        max_keys: usize,
        #[cfg(feature = "redis")] shared: Option<crate::store::Store>,
    ) -> Self {
        Self {
            memory: Memory::new(clock, limits, max_keys),
            #[cfg(feature = "redis")]
            shared: shared.map(Shared::new),
        }
    }

    pub(super) fn is_shared(&self) -> bool {
        #[cfg(feature = "redis")]
        return self.shared.is_some();
        #[cfg(not(feature = "redis"))]
        false
    }

    /// Whether these records and their clock are those of every process.
    pub(super) fn is_authority(&self, place: Place) -> bool {
        match place {
            Place::Here => !self.is_shared(),
            #[cfg(feature = "redis")]
            Place::Shared => true,
        }
    }

    /// Judges an attempt and counts it as a failure. Where the shared store is silent, `outage`
    /// says whether this process judges alone.
    pub(super) async fn reserve(
        &self,
        subject: &Subject,
        rules: &Rules,
        outage: Outage,
    ) -> Result<(Verdict, Place), Rejection> {
        #[cfg(feature = "redis")]
        if let Some(shared) = &self.shared {
            match (shared.reserve(subject, rules, None).await, outage) {
                (Ok(verdict), _) => return Ok((verdict, Place::Shared)),
                (Err(_), Outage::Local) => {}
                (Err(_), Outage::Deny) => {
                    let reason = "login: the shared store does not answer";
                    let rejection = Rejection::new(Refusal::Undecided, reason);
                    return Err(rejection.with_retry_after(RETRY_AFTER));
                }
            }
        }
        // Of one process alone there is no store to be silent.
        let _ = outage;
        Ok((self.memory.reserve(subject, rules), Place::Here))
    }

    /// Says what became of an attempt. If that gets lost, it has failed.
    pub(super) async fn settle(
        &self,
        place: Place,
        subject: &Subject,
        rules: &Rules,
        reservation: &Reservation,
        outcome: Outcome,
    ) {
        match place {
            Place::Here => self.memory.settle(subject, reservation, outcome),
            #[cfg(feature = "redis")]
            Place::Shared => {
                if let Some(shared) = &self.shared
                    && shared
                        .settle(subject, rules, reservation, outcome, None)
                        .await
                        .is_err()
                {
                    tracing::warn!("the shared store was not told that a login did not fail");
                }
            }
        }
        #[cfg(not(feature = "redis"))]
        let _ = rules;
    }

    /// Forgives an account; `enable` forgives everything.
    pub(super) async fn forgive(&self, marks: Key, enable: bool) -> Result<(), LoginError> {
        // Here too: this process may have judged alone.
        self.memory.forgive(marks, enable);
        #[cfg(feature = "redis")]
        if let Some(shared) = &self.shared {
            let forgiven = shared.forgive(marks, enable, None).await;
            return forgiven.map_err(|_| LoginError::Store);
        }
        Ok(())
    }

    pub(super) async fn state(
        &self,
        marks: Key,
        account: Key,
        rules: &Rules,
    ) -> Result<State, LoginError> {
        #[cfg(feature = "redis")]
        if let Some(shared) = &self.shared {
            let state = shared.state(marks, account, rules, None).await;
            return state.map_err(|_| LoginError::Store);
        }
        Ok(self.memory.state(marks, account, rules))
    }
}
