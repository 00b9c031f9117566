//! Where the counts live: a bounded table, mostly of theoretical arrival times.
//!
//! The generic cell rate algorithm keeps one number for each key: the time at which the key
//! would be as good as new, its theoretical arrival time (TAT). A key whose TAT has passed is
//! the same as a key that was never seen, and [`Table::sweep`] removes it.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use hashbrown::HashTable;

use super::subject::{Hashed, Subject};

/// Keys that a shard holds when the table is full.
///
/// A shard of 4,096 buckets takes 3,584 keys before it doubles. Keys fall into shards by chance:
/// with this mean a shard of a full table is three standard deviations below that.
const KEYS_PER_SHARD: usize = 3_400;

/// So that threads seldom meet at one lock, however small the table is.
const MIN_SHARDS: usize = 64;

/// A shard with fewer keys than this is not worth shrinking.
const MIN_CAPACITY: usize = 64;

/// What is kept by quota and subject, with a hard bound on their number: a TAT, unless another type
/// says otherwise.
#[derive(Debug)]
pub(super) struct Table<K, V = u64> {
    shards: Box<[Shard<K, V>]>,
    len: AtomicUsize,
    max_len: usize,
}

/// Alone on its cache lines: neighbours must not slow each other down.
#[derive(Debug)]
#[repr(align(64))]
struct Shard<K, V>(Mutex<HashTable<Entry<K, V>>>);

#[derive(Debug)]
struct Entry<K, V> {
    slot: u32,
    subject: K,
    value: V,
}

/// What a [`Table`] keeps until its time has passed.
pub(super) trait Passing {
    /// Whether it is the same as if it had never been there.
    fn has_passed(&self, now: u64) -> bool;
}

/// A time.
impl Passing for u64 {
    fn has_passed(&self, now: u64) -> bool {
        *self <= now
    }
}

impl<K, V> Shard<K, V> {
    fn lock(&self) -> MutexGuard<'_, HashTable<Entry<K, V>>> {
        // A panic cannot leave an entry half written: what is there is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Subject, V: Passing> Table<K, V> {
    pub(super) fn new(max_len: usize) -> Self {
        let shards = max_len.div_ceil(KEYS_PER_SHARD).max(MIN_SHARDS);
        Self {
            shards: (0..shards)
                .map(|_| Shard(Mutex::new(HashTable::new())))
                .collect(),
            len: AtomicUsize::new(0),
            max_len,
        }
    }

    /// Lets `decide` see what is kept of a key and replace it, in one step.
    ///
    /// `None`: the key is not in the table and there is no room for it.
    pub(super) fn measure_and_replace<T, E>(
        &self,
        slot: u32,
        subject: Hashed<'_, K>,
        decide: impl FnOnce(Option<&V>) -> Result<(T, V), E>,
    ) -> Option<Result<T, E>> {
        let hash = of_key(slot, subject.hash);
        let mut shard = self.shard(hash).lock();
        if let Some(entry) = shard.find_mut(hash, |entry| entry.is(slot, subject.subject)) {
            return Some(decide(Some(&entry.value)).map(|(answer, value)| {
                entry.value = value;
                answer
            }));
        }
        // The place is taken before it is filled, or threads in different shards would go
        // beyond the bound together.
        self.len
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |len| {
                (len < self.max_len).then_some(len + 1)
            })
            .ok()?;
        let answer = decide(None).map(|(answer, value)| {
            let entry = Entry {
                slot,
                subject: subject.subject.clone(),
                value,
            };
            shard.insert_unique(hash, entry, Entry::hash);
            answer
        });
        if answer.is_err() {
            self.len.fetch_sub(1, Ordering::Relaxed);
        }
        Some(answer)
    }

    #[cfg(feature = "redis")]
    pub(super) fn is_empty(&self) -> bool {
        self.len.load(Ordering::Relaxed) == 0
    }

    /// Whether a key that is not in the table has no room there.
    pub(super) fn is_full(&self) -> bool {
        self.len.load(Ordering::Relaxed) >= self.max_len
    }

    /// Lets `visit` see and change what is kept of a key, if there is something.
    pub(super) fn find<T>(
        &self,
        slot: u32,
        subject: Hashed<'_, K>,
        visit: impl FnOnce(&mut V) -> T,
    ) -> Option<T> {
        let hash = of_key(slot, subject.hash);
        let mut shard = self.shard(hash).lock();
        shard
            .find_mut(hash, |entry| entry.is(slot, subject.subject))
            .map(|entry| visit(&mut entry.value))
    }

    /// Removes the keys whose time has passed, one shard after the other, and gives memory back.
    ///
    /// `goes_on` is asked before each shard.
    pub(super) fn sweep(&self, now: u64, goes_on: impl Fn() -> bool) {
        for shard in &self.shards {
            if !goes_on() {
                return;
            }
            let mut shard = shard.lock();
            let before = shard.len();
            shard.retain(|entry| !entry.value.has_passed(now));
            let after = shard.len();
            self.len.fetch_sub(before - after, Ordering::Relaxed);
            if shard.capacity() > MIN_CAPACITY && shard.capacity() / 4 > after {
                shard.shrink_to(after * 2, Entry::hash);
            }
        }
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "32 bits times the length, without their low 32 bits, is below the length"
    )]
    fn shard(&self, hash: u64) -> &Shard<K, V> {
        // Neither the low nor the high bits: by these a shard finds its way within itself.
        let middle = u128::from((hash >> 16) & 0xffff_ffff);
        &self.shards[((middle * self.shards.len() as u128) >> 32) as usize]
    }
}

impl<K: Subject> Table<K> {
    /// Takes back up to `nanos` of what a key was charged.
    pub(super) fn refund(&self, slot: u32, subject: Hashed<'_, K>, nanos: u64) {
        self.find(slot, subject, |tat| *tat = tat.saturating_sub(nanos));
    }

    pub(super) fn tat(&self, slot: u32, subject: Hashed<'_, K>) -> Option<u64> {
        self.find(slot, subject, |tat| *tat)
    }
}

/// Many quotas share a table. For each of them this is a permutation of the hashes of subjects,
/// so who cannot tell two of these alike cannot tell two keys alike.
fn of_key(slot: u32, subject: u64) -> u64 {
    // Odd, so that no two slots are alike.
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    subject ^ u64::from(slot).wrapping_mul(SPREAD)
}

impl<K: Subject, V> Entry<K, V> {
    fn is(&self, slot: u32, subject: &K) -> bool {
        self.slot == slot && self.subject == *subject
    }

    fn hash(&self) -> u64 {
        of_key(self.slot, self.subject.hash())
    }
}

#[cfg(test)]
impl<K> Table<K> {
    pub(super) fn len(&self) -> usize {
        let counted = self.shards.iter().map(|shard| shard.lock().len()).sum();
        assert_eq!(self.len.load(Ordering::Relaxed), counted);
        counted
    }

    /// Bytes of memory that the table holds.
    pub(super) fn bytes(&self) -> usize {
        let shards = self.shards.iter();
        let entries = shards.map(|shard| shard.lock().allocation_size());
        size_of_val(&*self.shards) + entries.sum::<usize>()
    }
}
