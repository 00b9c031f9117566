//! Bans that processes share.
//!
//! The store holds each ban, and the version at which it last changed. Every process asks twice a
//! second for what has changed since the version that it knows, which is one small question as
//! long as nothing has; it tells its own bans at once. So a ban or lift that the store has holds
//! everywhere after 500 ms and the time of an answer, which is stated as one second.
//!
//! No request waits for any of this: a ban holds in its process at once, and what the store has
//! not been told waits in an outbox, one change for each network. Times are sent as durations and
//! kept by the store's clock, so the clocks of processes need not agree.
//!
//! A server that restarts, is emptied or is replaced by a replica may have lost something. Its
//! memory has another identity then, upon which the contents begin a new epoch, and every process
//! reads all of them and tells what is missing there. A lift that is lost with its server, or
//! that it was not told before it came back with nothing, may come undone so: in doubt a network is
//! banned until its time is over. For that reason too a lift that the store could not be told for a
//! while ends no ban that was made after it.

mod follower;
mod record;

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

use super::{
    network::Key,
    table::{Ban, Full, Table},
};
use crate::{
    address::ClientAddresses,
    clock::Clock,
    store::{Server, Store},
};

/// A change of this process. Times are those of its clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Ban(Ban),
    /// A lift, and then this ban, of neither of which the store may know.
    Replace(Ban),
    /// The lift is remembered as long as the ban would have been.
    Lift {
        forget: u64,
    },
}

/// The store, seen from a list of bans.
pub(super) struct Shared {
    state: Arc<State>,
    /// Keeps the follower alive.
    _store: Store,
}

/// What the list and the follower in the background share.
struct State {
    server: Arc<Server>,
    clock: Clock,
    table: Arc<Table>,
    addresses: Arc<ClientAddresses>,
    max_entries: usize,
    outbox: Mutex<Outbox>,
    /// There is something in the outbox.
    filled: Notify,
    /// When the knowledge was last complete; 0 for never, else in nanoseconds and 1 more.
    confirmed: AtomicU64,
}

/// What the store has not been told yet: the last change of each network.
#[derive(Default)]
struct Outbox {
    changes: HashMap<Key, Untold>,
    numbers: u64,
}

/// A change that the store has not been told yet.
#[derive(Clone)]
struct Untold {
    number: u64,
    /// When, by the clock of this process.
    made: u64,
    change: Change,
}

impl Untold {
    fn lifts(&self) -> bool {
        matches!(self.change, Change::Lift { .. } | Change::Replace(_))
    }
}

impl Shared {
    /// Follows the store from now on.
    pub(super) fn start(
        store: Store,
        clock: Clock,
        table: Arc<Table>,
        addresses: Arc<ClientAddresses>,
        max_entries: usize,
    ) -> Self {
        let state = Arc::new(State {
            server: Arc::clone(store.server()),
            clock,
            table,
            addresses,
            max_entries,
            outbox: Mutex::default(),
            filled: Notify::new(),
            confirmed: AtomicU64::new(0),
        });
        let followed = Arc::clone(&state);
        store.spawn(async move { follower::run(&followed).await });
        Self {
            state,
            _store: store,
        }
    }

    /// Has the store told, as soon as it answers. To be called by who writes to the table, so that
    /// what is read from the store meanwhile does not undo the change.
    pub(super) fn tell(&self, key: Key, change: Change) -> Result<(), Full> {
        let mut outbox = self.state.outbox();
        let has_room = outbox.changes.len() < self.state.max_entries;
        if !has_room && !outbox.changes.contains_key(&key) {
            return Err(Full);
        }
        let now = self.state.clock.monotonic_nanos();
        let (made, change) = match (outbox.changes.get(&key), change) {
            (Some(untold), Change::Ban(ban)) if untold.lifts() => {
                (untold.made, Change::Replace(ban))
            }
            (_, change) => (now, change),
        };
        outbox.numbers += 1;
        let number = outbox.numbers;
        let untold = Untold {
            number,
            made,
            change,
        };
        outbox.changes.insert(key, untold);
        drop(outbox);
        self.state.filled.notify_one();
        Ok(())
    }

    /// Changes that the store has not acknowledged.
    pub(super) fn untold(&self) -> usize {
        self.state.outbox().changes.len()
    }

    /// How long ago every ban of the store was known here.
    pub(super) fn age(&self, now: u64) -> Option<Duration> {
        let confirmed = self
            .state
            .confirmed
            .load(Ordering::Acquire)
            .checked_sub(1)?;
        Some(Duration::from_nanos(now.saturating_sub(confirmed)))
    }
}

impl State {
    /// Whole between two statements, so a panic leaves it usable.
    fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
