//! The banned networks: looked up by every request, written seldom.
//!
//! A hash table, and a set of the prefix lengths that occur in it: a look-up costs one probe for
//! each length in use, which is one where rules alone make bans, and nothing at all where there
//! is none. A trie would cost a step for each bit or branch, and its worth, that it finds the
//! longest match first, is of no use here: of several bans the one that ends last counts.

use std::{
    hash::BuildHasher,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use foldhash::quality::RandomState;
use hashbrown::HashTable;

use super::network::{Key, Kind, Kinds};

/// Parts with a lock each: a write holds up the readers of one part only.
const SHARDS: usize = 64;

/// A shard with fewer entries than this is not worth shrinking.
const MIN_CAPACITY: usize = 32;

/// Times are those of [`Clock::monotonic_nanos`](crate::Clock::monotonic_nanos).
pub(super) struct Table {
    hasher: RandomState,
    shards: Box<[RwLock<HashTable<Entry>>]>,
    in_use: [AtomicU64; 3],
    writer: Mutex<Counts>,
}

/// A ban, or the memory of one that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ban {
    /// When it ends.
    pub(super) until: u64,
    /// When it is forgotten that it was.
    pub(super) forget: u64,
    /// How many bans in a row rules have made of this network.
    pub(super) level: u32,
    pub(super) reason: Arc<str>,
}

struct Entry {
    key: Key,
    ban: Ban,
    /// Requests that were refused by it.
    refused: AtomicU64,
}

/// What a banned request met.
#[derive(Debug)]
pub(super) struct Hit {
    pub(super) until: u64,
    /// When it was met.
    pub(super) now: u64,
    /// How many this ban has refused, this one among them.
    pub(super) refused: u64,
}

/// How many entries there are; held by who writes.
#[derive(Debug)]
pub(super) struct Counts {
    len: usize,
    max_len: usize,
    of_kind: [u32; Kind::COUNT],
    /// No entry is forgotten before.
    next_forgotten: u64,
    /// No ban has ended before.
    next_ended: u64,
}

/// The one side that writes.
pub(super) struct Writer<'a> {
    table: &'a Table,
    counts: MutexGuard<'a, Counts>,
}

/// There is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Table {
    pub(super) fn new(max_len: usize) -> Self {
        Self {
            hasher: RandomState::default(),
            shards: std::iter::repeat_with(RwLock::default)
                .take(SHARDS)
                .collect(),
            in_use: Default::default(),
            writer: Mutex::new(Counts {
                len: 0,
                max_len,
                of_kind: [0; Kind::COUNT],
                next_forgotten: u64::MAX,
                next_ended: u64::MAX,
            }),
        }
    }

    fn kinds(&self) -> Kinds {
        // Set before an entry is inserted, under whose lock it is found.
        self.in_use
            .each_ref()
            .map(|word| word.load(Ordering::Acquire))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kinds() == [0; 3]
    }

    /// When the bans of `address` have all ended; `None` where there is none. Counts nothing.
    pub(super) fn banned_until(&self, address: IpAddr, now: u64) -> Option<u64> {
        self.latest(address, || now, |_| 0).map(|hit| hit.until)
    }

    /// As [`banned_until`](Self::banned_until), for a request that is refused. The clock is read
    /// where there is an entry: it costs more than the rest.
    pub(super) fn refuse(&self, address: IpAddr, now: impl Fn() -> u64) -> Option<Hit> {
        self.latest(address, now, |entry| {
            entry.refused.fetch_add(1, Ordering::Relaxed) + 1
        })
    }

    fn latest(
        &self,
        address: IpAddr,
        now: impl Fn() -> u64,
        count: impl Fn(&Entry) -> u64,
    ) -> Option<Hit> {
        let hits = Key::around(address, self.kinds()).filter_map(|key| {
            let hash = self.hash(key);
            let shard = self.read(hash);
            let entry = shard.find(hash, |entry| entry.key == key)?;
            let now = now();
            (entry.ban.until > now).then(|| Hit {
                until: entry.ban.until,
                now,
                refused: count(entry),
            })
        });
        hits.max_by_key(|hit| hit.until)
    }

    /// Shows every entry. A part of the table is locked for reading while it is shown.
    pub(super) fn each(&self, mut show: impl FnMut(Key, &Ban)) {
        for shard in &self.shards {
            for entry in &*shard.read().unwrap_or_else(PoisonError::into_inner) {
                show(entry.key, &entry.ban);
            }
        }
    }

    pub(super) fn writer(&self) -> Writer<'_> {
        Writer {
            table: self,
            counts: self.writer.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    fn hash(&self, key: Key) -> u64 {
        self.hasher.hash_one(key)
    }

    /// An entry is whole between two statements of a writer, so a panic leaves a shard usable.
    fn read(&self, hash: u64) -> RwLockReadGuard<'_, HashTable<Entry>> {
        let shard = self.shard(hash);
        shard.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, hash: u64) -> RwLockWriteGuard<'_, HashTable<Entry>> {
        let shard = self.shard(hash);
        shard.write().unwrap_or_else(PoisonError::into_inner)
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "the remainder by the number of shards is below it"
    )]
    fn shard(&self, hash: u64) -> &RwLock<HashTable<Entry>> {
        // By bits that the table inside does not go by.
        &self.shards[(hash >> 40) as usize % SHARDS]
    }
}

impl Writer<'_> {
    /// The entry of exactly this network.
    pub(super) fn find(&self, key: Key) -> Option<Ban> {
        let hash = self.table.hash(key);
        let shard = self.table.read(hash);
        let entry = shard.find(hash, |entry| entry.key == key)?;
        Some(entry.ban.clone())
    }

    /// Sets the entry of a network. Where there is no room, bans that have ended make some: what
    /// is lost with them is that the next one of their network would be longer.
    pub(super) fn set(&mut self, key: Key, ban: Ban, now: u64) -> Result<(), Full> {
        let hash = self.table.hash(key);
        self.counts.next_forgotten = self.counts.next_forgotten.min(ban.forget);
        self.counts.next_ended = self.counts.next_ended.min(ban.until);
        let known = {
            let mut shard = self.table.write(hash);
            match shard.find_mut(hash, |entry| entry.key == key) {
                Some(entry) => {
                    if entry.ban.until <= now {
                        // Another ban, whose first refusal is logged.
                        entry.refused.store(0, Ordering::Relaxed);
                    }
                    entry.ban = ban.clone();
                    true
                }
                None => false,
            }
        };
        if known {
            return Ok(());
        }
        if self.counts.len >= self.counts.max_len {
            self.sweep(now, Forget::Ended);
        }
        if self.counts.len >= self.counts.max_len {
            return Err(Full);
        }
        self.add(key.kind());
        let table = self.table;
        let entry = Entry {
            key,
            ban,
            refused: AtomicU64::new(0),
        };
        table
            .write(hash)
            .insert_unique(hash, entry, |entry| table.hash(entry.key));
        Ok(())
    }

    /// Removes the entry of a network; what it was.
    pub(super) fn remove(&mut self, key: Key) -> Option<Ban> {
        let hash = self.table.hash(key);
        let found = self
            .table
            .write(hash)
            .find_entry(hash, |entry| entry.key == key)
            .map(|found| found.remove().0.ban)
            .ok()?;
        self.subtract(key.kind());
        Some(found)
    }

    /// Removes what is of no use any more.
    pub(super) fn sweep(&mut self, now: u64, what: Forget) {
        let due = match what {
            Forget::Ended => self.counts.next_ended,
            Forget::Forgotten => self.counts.next_forgotten,
        };
        if now < due {
            return;
        }
        let (mut next_forgotten, mut next_ended) = (u64::MAX, u64::MAX);
        let table = self.table;
        for shard in &table.shards {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            let mut gone = Vec::new();
            shard.retain(|entry| {
                let until = match what {
                    Forget::Ended => entry.ban.until,
                    Forget::Forgotten => entry.ban.forget,
                };
                let stays = until > now;
                if stays {
                    next_forgotten = next_forgotten.min(entry.ban.forget);
                    next_ended = next_ended.min(entry.ban.until);
                } else {
                    gone.push(entry.key.kind());
                }
                stays
            });
            if shard.capacity() > MIN_CAPACITY && shard.capacity() / 4 > shard.len() {
                let room = shard.len() * 2;
                shard.shrink_to(room, |entry| table.hash(entry.key));
            }
            drop(shard);
            gone.into_iter().for_each(|kind| self.subtract(kind));
        }
        self.counts.next_forgotten = next_forgotten;
        self.counts.next_ended = next_ended;
    }

    /// Whether one more may have room, in place of one that has ended at least.
    #[cfg(feature = "redis")]
    pub(super) fn has_room(&self, now: u64) -> bool {
        self.counts.len < self.counts.max_len || self.counts.next_ended <= now
    }

    pub(super) fn len(&self) -> usize {
        self.counts.len
    }

    fn add(&mut self, kind: Kind) {
        self.counts.len += 1;
        if let Some(count) = self.counts.of_kind.get_mut(kind.index()) {
            *count += 1;
        }
        let (word, bit) = kind.bit();
        if let Some(word) = self.table.in_use.get(word) {
            word.fetch_or(bit, Ordering::Release);
        }
    }

    /// INVARIANT: comes after the entry was removed, or it would be there and not be found.
    fn subtract(&mut self, kind: Kind) {
        self.counts.len -= 1;
        let Some(count) = self.counts.of_kind.get_mut(kind.index()) else {
            return;
        };
        *count -= 1;
        if *count == 0 {
            let (word, bit) = kind.bit();
            if let Some(word) = self.table.in_use.get(word) {
                word.fetch_and(!bit, Ordering::Release);
            }
        }
    }
}

/// What a sweep removes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forget {
    /// Bans that have ended, though the next one of their network would be longer.
    Ended,
    /// What plays no part any more.
    Forgotten,
}

/// Bytes of memory that an entry takes beside its reason.
#[cfg(test)]
pub(super) const ENTRY_BYTES: usize = size_of::<Entry>();
