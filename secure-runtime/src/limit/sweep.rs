//! Forgets expired keys, off the workers.

use std::{
    io,
    sync::{Arc, Condvar, Mutex, PoisonError, Weak},
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{Tables, bucket};
use crate::clock::Clock;

/// A thread that sweeps the tables now and then, until this is dropped.
#[derive(Debug)]
pub(super) struct Sweeper {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
pub(super) struct Stop {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Sweeper {
    pub(super) fn start(
        tables: &Arc<Tables>,
        clock: Clock,
        interval: Duration,
    ) -> io::Result<Self> {
        let stop = Arc::new(Stop::default());
        let thread = thread::Builder::new()
            .name("rate-limit-sweep".into())
            .spawn({
                let stop = Arc::clone(&stop);
                let tables = Arc::downgrade(tables);
                move || run(&stop, &tables, &clock, interval)
            })?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }

    #[cfg(test)]
    pub(super) fn watch(&self) -> Weak<Stop> {
        Arc::downgrade(&self.stop)
    }
}

impl Drop for Sweeper {
    /// Ends the thread. It is between two shards at most, so this does not take long.
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has ended too.
            thread.join().ok();
        }
    }
}

fn run(stop: &Stop, tables: &Weak<Tables>, clock: &Clock, interval: Duration) {
    while !stop.wait(interval) {
        let Some(tables) = tables.upgrade() else {
            return;
        };
        tables.sweep(bucket::now(clock), || !stop.is_stopped());
    }
}

impl Stop {
    fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    fn is_stopped(&self) -> bool {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits, and tells whether it is time to stop.
    fn wait(&self, at_most: Duration) -> bool {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let (stopped, _) = self
            .changed
            .wait_timeout_while(stopped, at_most, |stopped| !*stopped)
            .unwrap_or_else(PoisonError::into_inner);
        *stopped
    }
}
