//! The entries in memory: looked up by every request, written by one thread.
//!
//! Names are kept as they are, not as hashes: two of them are never taken for one, `list` can
//! say what is revoked, and a keyed hash for the table costs a tenth of a cryptographic one.

use std::{
    collections::HashMap,
    hash::BuildHasher,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use arc_swap::ArcSwap;
use foldhash::quality::RandomState;

use super::{
    shard::{Entry, Shard},
    target::{Key, Level},
};
use crate::auth::Principal;

/// Parts of the table with a lock each: a write or a sweep holds up a reader of one part only.
const SHARDS: usize = 256;

/// Lists of one process do not share generations, so that a principal which one of them found
/// valid is not taken for valid by another.
const GENERATIONS_OF_A_LIST: u64 = 1 << 40;

/// How long entries are kept, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retention {
    pub(super) leeway: u64,
    pub(super) max_lifetime: u64,
    /// Of the sessions of this service's own issuer, which cut-offs end too; zero without one.
    pub(super) max_session: u64,
}

/// A clock that is put back by this much revives nothing. Milliseconds.
const SLACK: u64 = 5 * 60 * 1000;

impl Retention {
    /// When no token that the entry refuses is valid any more, whatever it says.
    pub(super) fn until(self, level: Level, time: u64) -> u64 {
        let lifetime = match level {
            Level::Token => 0,
            // Who ends one of our own sessions takes it out of its store, so that the many entries
            // of those who log out need not be kept for as long as a session lives.
            Level::Session => self.max_lifetime,
            _ => self.max_lifetime.max(self.max_session),
        };
        time.saturating_add(lifetime).saturating_add(self.leeway)
    }

    pub(super) fn forgets(self, level: Level, time: u64, now: u64) -> bool {
        now >= self.until(level, time).saturating_add(SLACK)
    }
}

/// What requests look into.
pub(super) struct Entries {
    hasher: RandomState,
    issuers: ArcSwap<Issuers>,
    shards: Box<[RwLock<Shard>]>,
    counts: [AtomicUsize; Level::ALL.len()],
    /// Changes after each write; odd things such as zero never occur.
    generation: AtomicU64,
}

/// The side that writes; there is one.
pub(super) struct Writer {
    entries: Arc<Entries>,
    retention: Retention,
    max_entries: usize,
    /// No entry can be forgotten before.
    next_forgotten: u64,
}

/// Issuers are few and their names long: an entry holds a number.
#[derive(Clone, Default)]
struct Issuers {
    numbers: HashMap<Arc<str>, u16, RandomState>,
    names: Vec<Arc<str>>,
}

/// Why there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoRoom {
    Entries,
    Issuers,
}

impl Entries {
    pub(super) fn new(retention: Retention, max_entries: usize) -> (Arc<Self>, Writer) {
        static LISTS: AtomicU64 = AtomicU64::new(1);
        let mut issuers = Issuers::default();
        // The number 0 is for everybody: no issuer has an empty name.
        issuers.add("");
        let entries = Arc::new(Self {
            hasher: RandomState::default(),
            issuers: ArcSwap::from_pointee(issuers),
            shards: std::iter::repeat_with(RwLock::default)
                .take(SHARDS)
                .collect(),
            counts: Default::default(),
            generation: AtomicU64::new(
                LISTS.fetch_add(1, Ordering::Relaxed) * GENERATIONS_OF_A_LIST,
            ),
        });
        let writer = Writer {
            entries: Arc::clone(&entries),
            retention,
            max_entries,
            next_forgotten: u64::MAX,
        };
        (entries, writer)
    }

    /// What has changed since another generation was seen can be seen with this one.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The level at which a token is revoked: one whose cut-off is not before the token's `iat`,
    /// and so the greatest cut-off is not either; or the token itself.
    pub(super) fn revoked(&self, caller: &Principal) -> Option<Level> {
        let issued_at = caller.issued_at_millis();
        let refuses = |level: Level, issuer: u16, name: &str| {
            self.count(level) > 0
                && self
                    .time(level, issuer, name)
                    .is_some_and(|time| level == Level::Token || issued_at <= time)
        };
        if refuses(Level::Everybody, 0, "") {
            return Some(Level::Everybody);
        }
        let issuer = self.issuers.load().numbers.get(caller.issuer()).copied()?;
        let names = [
            (Level::Issuer, Some("")),
            (Level::Client, caller.client_id()),
            (Level::Subject, Some(caller.subject())),
            (Level::Session, caller.session_id()),
            (Level::Token, Some(caller.token_id())),
        ];
        names.into_iter().find_map(|(level, name)| {
            name.is_some_and(|name| refuses(level, issuer, name))
                .then_some(level)
        })
    }

    /// The greatest cut-off that a new token of this subject and client would meet.
    pub(super) fn cut_off(&self, issuer: &str, client_id: &str, subject: &str) -> u64 {
        let everybody = self.time(Level::Everybody, 0, "");
        let Some(issuer) = self.issuers.load().numbers.get(issuer).copied() else {
            return everybody.unwrap_or(0);
        };
        let named = [
            (Level::Issuer, ""),
            (Level::Client, client_id),
            (Level::Subject, subject),
        ];
        let named = named.map(|(level, name)| self.time(level, issuer, name));
        named
            .into_iter()
            .flatten()
            .chain(everybody)
            .max()
            .unwrap_or(0)
    }

    pub(super) fn count(&self, level: Level) -> usize {
        // Written before the generation, which was read before.
        self.counts
            .get(level as usize)
            .map_or(0, |count| count.load(Ordering::Relaxed))
    }

    pub(super) fn len(&self) -> usize {
        self.counts
            .iter()
            .map(|count| count.load(Ordering::Relaxed))
            .sum()
    }

    /// Shows every entry. A part of the table is locked for reading while it is shown.
    pub(super) fn each<E>(
        &self,
        mut show: impl FnMut(Key<'_>, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        (0..self.parts()).try_for_each(|part| self.each_of(part, &mut show))
    }

    /// In how many parts entries can be shown.
    pub(super) fn parts(&self) -> usize {
        self.shards.len()
    }

    /// Shows every entry of a part, which is locked for reading meanwhile.
    pub(super) fn each_of<E>(
        &self,
        part: usize,
        show: &mut impl FnMut(Key<'_>, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(shard) = self.shards.get(part) else {
            return Ok(());
        };
        let shard = read(shard);
        // After the lock: an entry's issuer is there before the entry is.
        let issuers = self.issuers.load_full();
        for entry in shard.iter() {
            let key = Key {
                level: entry.level(),
                issuer: issuers.name(entry.issuer()),
                name: entry.name(),
            };
            show(key, entry.time())?;
        }
        Ok(())
    }

    fn time(&self, level: Level, issuer: u16, name: &str) -> Option<u64> {
        let hash = self.hash(level, issuer, name);
        let shard = read(self.shard(hash)?);
        let at = shard.find(hash, level, issuer, name)?;
        shard.get(at).map(Entry::time)
    }

    fn hash(&self, level: Level, issuer: u16, name: &str) -> u64 {
        self.hasher.hash_one((level as u8, issuer, name))
    }

    /// By bits that the table inside does not go by.
    fn shard(&self, hash: u64) -> Option<&RwLock<Shard>> {
        self.shards.get((hash >> 40) as usize % SHARDS)
    }
}

impl Writer {
    pub(super) fn retention(&self) -> Retention {
        self.retention
    }

    pub(super) fn entries(&self) -> &Entries {
        &self.entries
    }

    /// Adds an entry, or raises its time: an entry never becomes weaker.
    pub(super) fn insert(&mut self, key: Key<'_>, time: u64) -> Result<(), NoRoom> {
        let entries = &*self.entries;
        let issuer = self.issuer(key.issuer)?;
        let hash = entries.hash(key.level, issuer, key.name);
        let is_full = entries.len() >= self.max_entries;
        let Some(shard) = entries.shard(hash) else {
            return Err(NoRoom::Entries);
        };
        let mut shard = write(shard);
        match shard.find(hash, key.level, issuer, key.name) {
            Some(at) => {
                if let Some(entry) = shard.get_mut(at) {
                    entry.raise(time);
                }
            }
            None if is_full => return Err(NoRoom::Entries),
            None => {
                let entry = Entry::new(key.level, issuer, key.name, time);
                shard
                    .push(hash, entry, |entry| entries.hash_of(entry))
                    .ok_or(NoRoom::Entries)?;
                entries.add(key.level, 1);
            }
        }
        drop(shard);
        let until = self.retention.until(key.level, time).saturating_add(SLACK);
        self.next_forgotten = self.next_forgotten.min(until);
        entries.changed();
        Ok(())
    }

    /// Removes an entry; whether there was one.
    pub(super) fn remove(&mut self, key: Key<'_>) -> bool {
        let entries = &*self.entries;
        let Some(issuer) = entries.issuers.load().numbers.get(key.issuer).copied() else {
            return false;
        };
        let hash = entries.hash(key.level, issuer, key.name);
        let Some(shard) = entries.shard(hash) else {
            return false;
        };
        let mut shard = write(shard);
        let found = shard.find(hash, key.level, issuer, key.name);
        if let Some(at) = found {
            shard.remove(at, |entry| entries.hash_of(entry));
            entries.subtract(key.level, 1);
        }
        drop(shard);
        entries.changed();
        found.is_some()
    }

    /// Forgets what refuses no token any more, and says how many there were.
    pub(super) fn sweep(&mut self, now: u64) -> usize {
        if now < self.next_forgotten {
            return 0;
        }
        let (entries, retention) = (&*self.entries, self.retention);
        let mut forgotten = 0;
        let mut next = u64::MAX;
        for shard in &entries.shards {
            let mut shard = write(shard);
            let mut at = 0;
            while let Some(entry) = shard.get(at) {
                if retention.forgets(entry.level(), entry.time(), now) {
                    entries.subtract(entry.level(), 1);
                    // Another entry is at this place now.
                    shard.remove(at, |entry| entries.hash_of(entry));
                    forgotten += 1;
                } else {
                    let until = retention.until(entry.level(), entry.time());
                    next = next.min(until.saturating_add(SLACK));
                    at += 1;
                }
            }
            shard.shrink(|entry| entries.hash_of(entry));
        }
        self.next_forgotten = next;
        forgotten
    }

    fn issuer(&self, name: &str) -> Result<u16, NoRoom> {
        let issuers = self.entries.issuers.load();
        if let Some(number) = issuers.numbers.get(name) {
            return Ok(*number);
        }
        let mut issuers = Issuers::clone(&issuers);
        let number = issuers.add(name).ok_or(NoRoom::Issuers)?;
        self.entries.issuers.store(Arc::new(issuers));
        Ok(number)
    }
}

impl Entries {
    fn hash_of(&self, entry: &Entry) -> u64 {
        self.hash(entry.level(), entry.issuer(), entry.name())
    }

    fn add(&self, level: Level, entries: usize) {
        if let Some(count) = self.counts.get(level as usize) {
            count.fetch_add(entries, Ordering::Relaxed);
        }
    }

    fn subtract(&self, level: Level, entries: usize) {
        if let Some(count) = self.counts.get(level as usize) {
            count.fetch_sub(entries, Ordering::Relaxed);
        }
    }

    /// INVARIANT: comes after the change. Who has read the generation before it, and looked
    /// before the change, looks again.
    fn changed(&self) {
        self.generation.fetch_add(1, Ordering::Release);
    }
}

impl Issuers {
    fn add(&mut self, name: &str) -> Option<u16> {
        let number = u16::try_from(self.names.len()).ok()?;
        let name: Arc<str> = Arc::from(name);
        self.names.push(Arc::clone(&name));
        self.numbers.insert(name, number);
        Some(number)
    }

    fn name(&self, number: u16) -> &str {
        self.names.get(usize::from(number)).map_or("", |name| name)
    }
}

/// A shard is whole between two statements of a writer, so a panic leaves it usable.
fn read(shard: &RwLock<Shard>) -> RwLockReadGuard<'_, Shard> {
    shard.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(shard: &RwLock<Shard>) -> RwLockWriteGuard<'_, Shard> {
    shard.write().unwrap_or_else(PoisonError::into_inner)
}
