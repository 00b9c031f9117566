//! Which codes were used.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

#[cfg(feature = "redis")]
use super::SKEW_STEPS;
use super::STEP_SECONDS;
use crate::rejection::{Refusal, Rejection};
#[cfg(feature = "redis")]
use crate::{
    revocation,
    store::{Silent, Store, script},
};

/// Secrets of which a used code is remembered at a time. Only good codes take room.
const MOST: usize = 1_000_000;
const FEW: usize = 1_000;
/// When to come back after a code could not be remembered, in seconds.
const RETRY_AFTER: u64 = 2;
/// How long the store may take.
#[cfg(feature = "redis")]
const QUESTION: Duration = Duration::from_millis(50);
/// Steps after the current one of which a code may have been taken: somebody's phone is ahead, and so
/// is the clock of another process.
#[cfg(feature = "redis")]
const AHEAD_STEPS: u16 = SKEW_STEPS + 1;
/// Until then a code may be good somewhere, by clocks that differ.
const REMEMBERED: Duration = Duration::from_secs(10 * 60);

/// The last step of which a code was used, by secret.
pub(crate) struct Used {
    here: Mutex<Steps>,
    /// What all processes know together.
    #[cfg(feature = "redis")]
    store: Option<Store>,
}

/// Those of this process.
struct Steps {
    by_secret: HashMap<[u8; 16], u64>,
    /// With so many it is time to forget those that no clock takes any more.
    sweep_at: usize,
}

impl Used {
    pub(crate) fn in_memory() -> Self {
        Self {
            here: Mutex::new(Steps {
                by_secret: HashMap::new(),
                sweep_at: FEW,
            }),
            #[cfg(feature = "redis")]
            store: None,
        }
    }

    #[cfg(feature = "redis")]
    pub(crate) fn shared(store: Store) -> Self {
        Self {
            store: Some(store),
            ..Self::in_memory()
        }
    }

    /// Uses the code of `step` up; false where it or a later one was used before.
    pub(super) async fn claim(
        &self,
        secret: [u8; 16],
        step: u64,
        now: u64,
    ) -> Result<bool, Rejection> {
        #[cfg(feature = "redis")]
        if let Some(store) = &self.store {
            // What was taken here needs no word of the store, which may have lost it.
            if self.here().has(secret, step) || !claim_in(store, secret, step, now).await? {
                return Ok(false);
            }
            // Without room for it the store's word is enough.
            return Ok(self.here().claim(secret, step, now).unwrap_or(true));
        }
        self.here().claim(secret, step, now)
    }

    /// An insertion is whole, so a panic leaves it usable.
    fn here(&self) -> MutexGuard<'_, Steps> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.here().by_secret.len()
    }
}

#[cfg(feature = "redis")]
async fn claim_in(store: &Store, secret: [u8; 16], step: u64, now: u64) -> Result<bool, Rejection> {
    let server = store.server();
    let silent = |_: Silent| undecided("one-time codes: the shared store does not answer");
    let connection = server.connection().map_err(silent)?;
    let name = server.name(&format!("otp:{:032x}", u128::from_be_bytes(secret)));
    let command = script(
        include_str!("used.lua"),
        &[&name, &revocation::state_name(server)],
        [
            step.to_string(),
            REMEMBERED.as_millis().to_string(),
            connection.run().to_owned(),
            now.to_string(),
            STEP_SECONDS.to_string(),
            AHEAD_STEPS.to_string(),
        ],
    );
    let answer = connection.ask::<(String, u64)>(&command, QUESTION).await;
    let (word, first) = server
        .judge(&connection, answer)
        .ok_or_else(|| silent(Silent))?;
    match word.as_str() {
        "taken" => Ok(true),
        "used" => Ok(false),
        "lost" => {
            let wait = first
                .saturating_mul(STEP_SECONDS)
                .saturating_sub(now)
                .max(1);
            let reason = "one-time codes: the shared store may have lost that it was used";
            Err(Rejection::new(Refusal::Undecided, reason).with_retry_after(wait))
        }
        // Nobody has looked yet at what it has lost.
        _ => Err(undecided("one-time codes: the shared store was emptied")),
    }
}

impl Steps {
    #[cfg(feature = "redis")]
    fn has(&self, secret: [u8; 16], step: u64) -> bool {
        let last = self.by_secret.get(&secret);
        last.is_some_and(|last| *last >= step)
    }

    fn claim(&mut self, secret: [u8; 16], step: u64, now: u64) -> Result<bool, Rejection> {
        if self.by_secret.len() >= self.sweep_at {
            let oldest = now.saturating_sub(REMEMBERED.as_secs()) / STEP_SECONDS;
            self.by_secret.retain(|_, step| *step >= oldest);
            self.sweep_at = (self.by_secret.len() * 2).clamp(FEW, MOST);
            if self.by_secret.len() >= MOST {
                return Err(undecided("one-time codes: too many were used lately"));
            }
        }
        match self.by_secret.get(&secret) {
            Some(last) if *last >= step => Ok(false),
            _ => {
                self.by_secret.insert(secret, step);
                Ok(true)
            }
        }
    }
}

fn undecided(reason: &'static str) -> Rejection {
    Rejection::new(Refusal::Undecided, reason).with_retry_after(RETRY_AFTER)
}
