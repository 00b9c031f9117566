//! Work that takes long, a few at a time, with a waiting room that has an end.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::{sync::Semaphore, task::JoinSet};

use super::error::PasswordError;

/// Runs work on blocking threads, as much at a time as there are turns.
pub(super) struct Queue {
    concurrent: usize,
    total: usize,
    /// For those that run and those that wait.
    places: Arc<Semaphore>,
    /// For those that run.
    turns: Arc<Semaphore>,
    refused: AtomicU64,
}

impl Queue {
    pub(super) fn new(concurrent: usize, waiting: usize) -> Self {
        let concurrent = concurrent.min(Semaphore::MAX_PERMITS);
        let total = concurrent
            .saturating_add(waiting)
            .min(Semaphore::MAX_PERMITS);
        Self {
            concurrent,
            total,
            places: Arc::new(Semaphore::new(total)),
            turns: Arc::new(Semaphore::new(concurrent)),
            refused: AtomicU64::new(0),
        }
    }

    /// Waits for a turn, in the order of arrival, and works; or refuses at once.
    ///
    /// Who drops this while it waits frees the place. Work that has begun cannot be stopped: it
    /// keeps its turn until it ends, or dropping would be a way around the bound.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(PasswordError::Overloaded);
        };
        // Nothing closes the semaphores.
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| PasswordError::Failed)?;
        // A set forgets on drop what has no thread yet; a bare task would still run.
        let mut task = JoinSet::new();
        task.spawn_blocking(move || {
            let done = work();
            drop((turn, place));
            done
        });
        match task.join_next().await {
            Some(Ok(done)) => Ok(done),
            // It panicked, or the service is being stopped.
            Some(Err(_)) | None => Err(PasswordError::Failed),
        }
    }

    /// How many run, and how many wait.
    pub(super) fn occupied(&self) -> (usize, usize) {
        let running = self
            .concurrent
            .saturating_sub(self.turns.available_permits());
        let inside = self.total.saturating_sub(self.places.available_permits());
        (running, inside.saturating_sub(running))
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}
