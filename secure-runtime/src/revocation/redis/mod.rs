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
//! and the store does not. So nothing is lost as long as one process that knew it lives and
//! reaches the store in that time. A process that starts against a store that was emptied while
//! no other was there cannot know what was revoked; the log warns at start where the server is
//! configured such that this can happen.
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
//! No request opens a connection or waits for one. A question has 50 ms, a change 90 ms; after
//! three failures in a row nobody asks, until the store answers a probe in the background.

mod doctor;
mod fault;
mod follower;
mod link;
mod record;
mod supply;
mod target;

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

pub(crate) use self::target::Target;
use self::{
    fault::Fault,
    link::{Link, Names, Request},
};
pub(in crate::revocation) use self::{
    fault::Full,
    record::{Change, CutOff, Record},
};
use crate::{clock::Clock, revocation::RevocationTarget};

/// How long a question may take.
const QUESTION: Duration = Duration::from_millis(50);
/// How long a change may take.
const CHANGE: Duration = Duration::from_millis(90);
/// After so many failures in a row nobody asks until a probe succeeds.
const FAILURES: u32 = 3;
/// How long the store counts as silent after it may have lost something.
const SETTLE: Duration = Duration::from_secs(2);
/// A change is told again after a loss if it was acknowledged no longer ago than this: a lift of
/// the same entry that was kept must not win over a later revocation that was lost.
const REMEMBERED: Duration = Duration::from_secs(60);
/// Changes that wait for the store, or are remembered; beyond that changes fail.
const MOST_CHANGES: usize = 100_000;

/// Where the entries are kept that the store tells about.
pub(in crate::revocation) trait Sink: Send + Sync + 'static {
    /// Changes entries, and returns when that is in effect.
    fn apply(&self, changes: Vec<Change>) -> Result<(), Full>;

    /// Every entry that is in effect.
    fn known(&self) -> Vec<Record>;
}

/// The store cannot be asked, or cannot be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the shared store of revocations does not answer")]
pub(in crate::revocation) struct Silent;

/// A handle on the store; cheap to clone. The last one that is dropped ends the connections.
#[derive(Clone)]
pub(in crate::revocation) struct SharedStore {
    shared: Arc<Shared>,
    _alive: Arc<watch::Sender<()>>,
}

/// What requests and the thread in the background share.
struct Shared {
    target: Target,
    names: Arc<Names>,
    clock: Clock,
    sink: Arc<dyn Sink>,
    /// When the knowledge was last complete; 0 for never, else in nanoseconds and 1 more.
    confirmed: AtomicU64,
    /// How far the server's clock is ahead of ours, in milliseconds.
    ahead: AtomicI64,
    /// The connection for requests, while it is good.
    link: ArcSwapOption<Link>,
    /// Which contents of the store this process follows.
    epoch: ArcSwap<String>,
    failures: AtomicU32,
    link_failed: Notify,
    /// Another server has taken over.
    moved: Notify,
    outbox: Mutex<VecDeque<Outgoing>>,
    unsent: AtomicBool,
}

/// A change of this process.
#[derive(Clone, Debug)]
struct Outgoing {
    request: Request,
    /// When the store had it, in nanoseconds.
    acknowledged: Option<u64>,
}

impl SharedStore {
    /// Follows the store at `target` from now on, on a thread of its own.
    pub(in crate::revocation) fn start(
        target: Target,
        prefix: &str,
        clock: Clock,
        sink: Arc<dyn Sink>,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            target,
            names: Arc::new(Names::new(prefix)),
            clock,
            sink,
            confirmed: AtomicU64::new(0),
            ahead: AtomicI64::new(0),
            link: ArcSwapOption::empty(),
            epoch: ArcSwap::default(),
            failures: AtomicU32::new(0),
            link_failed: Notify::new(),
            moved: Notify::new(),
            outbox: Mutex::default(),
            unsent: AtomicBool::new(false),
        });
        let (alive, mut ended) = watch::channel(());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let background = Arc::clone(&shared);
        // Handlers that block their thread must not make the knowledge old.
        thread::Builder::new()
            .name("secure-revocation".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = ended.changed() => {}
                        () = follower::run(&background) => {}
                        () = supply::run(&background) => {}
                    }
                });
            })?;
        Ok(Self {
            shared,
            _alive: Arc::new(alive),
        })
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
        let link = shared.link.load_full().ok_or(Silent)?;
        match shared.judge(link.entries(targets, QUESTION).await) {
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

    /// Writes an entry, or raises its times, and says what it is now. Takes 90 ms at most.
    ///
    /// # Errors
    ///
    /// The store does not say that it has it. It is told again, in the background, until it does.
    pub(in crate::revocation) async fn publish(
        &self,
        target: RevocationTarget,
        cut_off: CutOff,
    ) -> Result<Record, Silent> {
        let request = Request {
            id: link::random_id(),
            target,
            cut_off: Some(cut_off),
        };
        let shared = &*self.shared;
        if !shared.remember(&request) {
            return Err(Silent);
        }
        match shared.write(&request).await {
            Some(Some(Change::Revoked(record))) => {
                shared.acknowledge(&request.id);
                Ok(record)
            }
            _ => {
                shared.unsent.store(true, Ordering::Release);
                Err(Silent)
            }
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
            id: link::random_id(),
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
    /// Counts failures; too many in a row, or a broken connection, and the link is not used.
    fn judge<T>(&self, answer: Result<T, Fault>) -> Option<T> {
        match answer {
            Ok(answer) => {
                self.failures.store(0, Ordering::Relaxed);
                Some(answer)
            }
            Err(fault) => {
                let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
                if failures >= FAILURES || fault.breaks_connection() {
                    self.link.store(None);
                    self.link_failed.notify_one();
                }
                None
            }
        }
    }

    async fn write(&self, request: &Request) -> Option<Option<Change>> {
        let link = self.link.load_full()?;
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
        let written = written.await.unwrap_or(Err(Fault::Silent));
        self.judge(written).map(|(_, change)| change)
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

    /// Whole between two statements, so a panic leaves it usable.
    fn outbox(&self) -> MutexGuard<'_, VecDeque<Outgoing>> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SharedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedStore")
            .field("age", &self.age())
            .finish_non_exhaustive()
    }
}
