//! Revocations that many processes share, in Redis.
//!
//! Every process holds all entries and answers requests from its own memory. A change is written
//! by one script, to a hash of entries and to a stream; every process follows the stream over a
//! connection of its own. Lines are numbered without gaps, so a missed one is noticed, and the
//! process then reads all entries again. Five times a second it asks what the store is at: only
//! then is its knowledge *confirmed*, and [`SharedStore::age`] counts from there.
//!
//! # What may be lost, and what is done about it
//!
//! A server that restarts, is emptied (`FLUSHALL`) or is replaced by a replica may have lost
//! entries that it had acknowledged. Each of these begins a new *epoch*. For two seconds from
//! then on the store counts as silent for everybody, and every process tells it what it knows
//! and the store does not. Who has much to tell is waited for until it has told all of it, or was
//! silent for five seconds, and for a minute at most. So nothing is lost as long as one process
//! that knew it lives and reaches the store in the first two seconds. A process that starts
//! against a store that was emptied while no other was there cannot know what was revoked; the log
//! warns where the server is configured such that this can happen.
//!
//! A server that was a replica for a moment keeps its connections, and may have the contents of
//! another. So each beat, and a probe of the requests' connection, asks for its identity too.
//!
//! A primary that was cut off together with a process goes on answering it, while elsewhere a
//! replica takes over. `min-replicas-to-write 1` on every server makes it refuse, and the process
//! notices; the log warns where this is not configured.
//!
//! A lift that is lost with its server is not told again: the token is refused until somebody
//! lifts that again. In doubt a token is refused.
//!
//! # Time limits
//!
//! No request opens a connection or waits for one: see [`store`]. A question has 50 ms, a change
//! 90 ms.

mod doctor;
mod fault;
mod follower;
mod link;
mod load;
mod record;

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::{sync::oneshot, time::timeout};

#[cfg(feature = "otp")]
pub(crate) use self::link::state_name;
use self::{
    fault::Fault,
    link::{Link, Names, Request},
};
pub(in crate::revocation) use self::{
    fault::Full,
    record::{Change, CutOff, Record},
};
use crate::{
    clock::Clock,
    revocation::RevocationTarget,
    store::{self, Server, Silent, Store, Task, random_id},
};

/// How long a question may take.
const QUESTION: Duration = Duration::from_millis(50);
/// How long a change may take.
const CHANGE: Duration = Duration::from_millis(90);
/// How long the store counts as silent after it may have lost something.
const SETTLE: Duration = Duration::from_secs(2);
/// A change is told again after a loss if it was acknowledged no longer ago than this: a lift of
/// the same entry that was kept must not win over a later revocation that was lost.
const REMEMBERED: Duration = Duration::from_secs(60);
/// Changes that wait for the store, or are remembered; beyond that changes fail.
const MOST_CHANGES: usize = 100_000;

/// Where the entries are kept that the store tells about.
pub(in crate::revocation) trait Sink: Send + Sync + 'static {
    /// Changes entries, and says when that is in effect. An end without an answer is a failure.
    fn apply(&self, changes: Vec<Change>) -> oneshot::Receiver<Result<(), Full>>;

    /// In how many parts entries can be looked at.
    fn parts(&self) -> usize;

    /// Every entry of a part that is in effect.
    fn known(&self, part: usize) -> Vec<Record>;
}

/// The revocations of the store.
pub(in crate::revocation) struct SharedStore {
    shared: Arc<Shared>,
    /// Ends before the sink does, whoever else holds the store.
    _follower: Task,
    /// Keeps the connection alive.
    _store: Store,
}

/// What requests and the follower in the background share.
struct Shared {
    server: Arc<Server>,
    names: Arc<Names>,
    clock: Clock,
    sink: Arc<dyn Sink>,
    /// When the knowledge was last complete; 0 for never, else in nanoseconds and 1 more.
    confirmed: AtomicU64,
    /// How far the server's clock is ahead of ours, in milliseconds.
    ahead: AtomicI64,
    /// Which contents of the store this process follows.
    epoch: ArcSwap<String>,
    outbox: Mutex<VecDeque<Outgoing>>,
    unsent: AtomicBool,
}

/// A revocation that the store is to know. Where it is dropped, because nobody waits for the
/// answer any more, the store is told in the background.
pub(in crate::revocation) struct Announced {
    shared: Arc<Shared>,
    request: Request,
}

/// A change of this process.
#[derive(Clone, Debug)]
struct Outgoing {
    request: Request,
    /// When the store had it, in nanoseconds.
    acknowledged: Option<u64>,
}

impl SharedStore {
    /// Follows the store from now on.
    pub(in crate::revocation) fn start(store: Store, clock: Clock, sink: Arc<dyn Sink>) -> Self {
        let server = Arc::clone(store.server());
        let shared = Arc::new(Shared {
            names: Arc::new(Names::new(&server)),
            server,
            clock,
            sink,
            confirmed: AtomicU64::new(0),
            ahead: AtomicI64::new(0),
            epoch: ArcSwap::default(),
            outbox: Mutex::default(),
            unsent: AtomicBool::new(false),
        });
        let followed = Arc::clone(&shared);
        let follower = store.spawn_owned(async move { follower::run(&followed).await });
        Self {
            shared,
            _follower: follower,
            _store: store,
        }
    }

    /// How long ago this process knew every entry for certain; `None` before the first time.
    pub(in crate::revocation) fn age(&self) -> Option<Duration> {
        let confirmed = self
            .shared
            .confirmed
            .load(Ordering::Acquire)
            .checked_sub(1)?;
        let now = self.shared.clock.monotonic_nanos();
        Some(Duration::from_nanos(now.saturating_sub(confirmed)))
    }

    /// Milliseconds by which the store's clock is ahead of this process'.
    pub(in crate::revocation) fn clock_ahead_ms(&self) -> i64 {
        self.shared.ahead.load(Ordering::Relaxed)
    }

    /// The current entries of some keys. Takes 50 ms at most.
    ///
    /// # Errors
    ///
    /// The store cannot be asked, or has just lost its memory.
    pub(in crate::revocation) async fn ask(
        &self,
        targets: &[RevocationTarget],
    ) -> Result<Vec<Option<Record>>, Silent> {
        let shared = &*self.shared;
        let link = shared.link()?;
        let answer = link.entries(targets, QUESTION).await;
        match shared.judge(&link, answer) {
            Some((state, entries))
                if state.is_settled() && state.epoch == **shared.epoch.load() =>
            {
                let records = entries.into_iter().map(|entry| match entry {
                    Some(Change::Revoked(record)) => Some(record),
                    Some(Change::Lifted(_)) | None => None,
                });
                Ok(records.collect())
            }
            _ => Err(Silent),
        }
    }

    /// A revocation that is about to be made here.
    ///
    /// # Errors
    ///
    /// Too many wait.
    pub(in crate::revocation) fn announce(
        &self,
        target: RevocationTarget,
        cut_off: CutOff,
    ) -> Result<Announced, Silent> {
        let request = Request {
            id: random_id(),
            target,
            cut_off: Some(cut_off),
        };
        match self.shared.remember(&request) {
            true => Ok(Announced {
                shared: Arc::clone(&self.shared),
                request,
            }),
            false => Err(Silent),
        }
    }

    /// The revocation was not made here.
    pub(in crate::revocation) fn withdraw(&self, announced: Announced) {
        let id = &announced.request.id;
        self.shared
            .outbox()
            .retain(|outgoing| outgoing.request.id != *id);
    }

    /// Writes an entry, or raises its times, and says what it is now. Takes 90 ms at most.
    ///
    /// # Errors
    ///
    /// The store does not say that it has it. It is told again, in the background, until it does.
    pub(in crate::revocation) async fn publish(
        &self,
        announced: Announced,
    ) -> Result<Record, Silent> {
        let (shared, request) = (&*self.shared, &announced.request);
        match shared.write(request).await {
            Some(Some(Change::Revoked(record))) => {
                shared.acknowledge(&request.id);
                Ok(record)
            }
            _ => Err(Silent),
        }
    }

    /// Lifts an entry; whether there was one. Takes 90 ms at most.
    ///
    /// # Errors
    ///
    /// The store does not say that it did; it is not told again.
    pub(in crate::revocation) async fn lift(
        &self,
        target: RevocationTarget,
    ) -> Result<bool, Silent> {
        let shared = &*self.shared;
        // A revocation that still waits would undo the lift.
        shared
            .outbox()
            .retain(|outgoing| outgoing.request.target != target);
        let request = Request {
            id: random_id(),
            target,
            cut_off: None,
        };
        match shared.write(&request).await {
            Some(change) => Ok(change.is_some()),
            None => Err(Silent),
        }
    }
}

impl Shared {
    fn link(&self) -> Result<Link, Silent> {
        Ok(Link::new(self.server.connection()?, &self.names))
    }

    /// As the server judges; what is wrong with the contents is no fault of the connection.
    fn judge<T>(&self, link: &Link, answer: Result<T, Fault>) -> Option<T> {
        match answer {
            Ok(answer) => self.server.judge(link.connection(), Ok(answer)),
            Err(Fault::Store(fault)) => self.server.judge(link.connection(), Err(fault)),
            Err(Fault::Emptied | Fault::Full(_)) => None,
        }
    }

    async fn write(&self, request: &Request) -> Option<Option<Change>> {
        let link = self.link().ok()?;
        let written = timeout(CHANGE, async {
            match link.write(request, CHANGE).await {
                // Somebody emptied the store: it is opened again, and the change is in it.
                Err(Fault::Emptied) => {
                    link.open(CHANGE).await?;
                    link.write(request, CHANGE).await
                }
                written => written,
            }
        });
        let written = written.await.unwrap_or(Err(store::Fault::Silent.into()));
        self.judge(&link, written).map(|(_, change)| change)
    }

    /// Whether there was room.
    fn remember(&self, request: &Request) -> bool {
        let now = self.clock.monotonic_nanos();
        let is_old = |outgoing: &Outgoing| {
            let acknowledged = outgoing.acknowledged;
            acknowledged.is_some_and(|at| now.saturating_sub(at) > REMEMBERED.as_nanos() as u64)
        };
        let mut outbox = self.outbox();
        while outbox.front().is_some_and(is_old) {
            outbox.pop_front();
        }
        let room = outbox.len() < MOST_CHANGES;
        if room {
            outbox.push_back(Outgoing {
                request: request.clone(),
                acknowledged: None,
            });
        }
        room
    }

    fn acknowledge(&self, id: &str) {
        let now = self.clock.monotonic_nanos();
        // The newest are at the back.
        let mut outbox = self.outbox();
        if let Some(outgoing) = outbox.iter_mut().rev().find(|known| known.request.id == id) {
            outgoing.acknowledged = Some(now);
        }
    }

    async fn applied(answer: oneshot::Receiver<Result<(), Full>>) -> Result<(), Fault> {
        Ok(answer.await.unwrap_or(Err(Full))?)
    }

    /// Whole between two statements, so a panic leaves it usable.
    fn outbox(&self) -> MutexGuard<'_, VecDeque<Outgoing>> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        let id = &self.request.id;
        let outbox = self.shared.outbox();
        let mut latest = outbox.iter().rev();
        if latest.any(|known| known.request.id == *id && known.acknowledged.is_none()) {
            self.shared.unsent.store(true, Ordering::Release);
        }
    }
}

impl fmt::Debug for SharedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedStore")
            .field("age", &self.age())
            .finish_non_exhaustive()
    }
}
