//! One part of the table: entries side by side, and an index by hash.
//!
//! Entries stand in blocks that never move, and the index holds their numbers: a table of entries
//! would be half empty, and one that is copied to grow leaves holes where it was.

use hashbrown::HashTable;

use super::target::Level;

/// Entries of a block: 1.5 KiB.
const BLOCK: usize = 64;

/// INVARIANT: no key is in a shard twice; every block but the last one is full.
#[derive(Default)]
pub(super) struct Shard {
    index: HashTable<u32>,
    blocks: Vec<Vec<Entry>>,
}

pub(super) struct Entry {
    name: Box<str>,
    /// From the low end: level, issuer, time.
    packed: u64,
}

const _: () = assert!(size_of::<Entry>() <= 24, "a million of them are held");

const LEVEL_BITS: u32 = 4;
const ISSUER_BITS: u32 = 16;
/// The greatest time that fits: in the year 2527.
const MAX_TIME: u64 = u64::MAX >> (LEVEL_BITS + ISSUER_BITS);

impl Entry {
    pub(super) fn new(level: Level, issuer: u16, name: &str, time: u64) -> Self {
        let packed = time.min(MAX_TIME) << ISSUER_BITS | u64::from(issuer);
        Self {
            name: name.into(),
            packed: packed << LEVEL_BITS | level as u64,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn level(&self) -> Level {
        let number = self.packed & ((1 << LEVEL_BITS) - 1);
        // INVARIANT: it was made of a level, so there is one of this number.
        let levels = Level::ALL.into_iter();
        let mut found = levels.filter(|level| *level as u64 == number);
        found.next().unwrap_or(Level::Token)
    }

    pub(super) fn issuer(&self) -> u16 {
        (self.packed >> LEVEL_BITS & u64::from(u16::MAX)) as u16
    }

    /// Milliseconds: when the token expires, or the cut-off.
    pub(super) fn time(&self) -> u64 {
        self.packed >> (LEVEL_BITS + ISSUER_BITS)
    }

    /// Sets a later time, never an earlier one.
    pub(super) fn raise(&mut self, time: u64) {
        let low = self.packed & ((1 << (LEVEL_BITS + ISSUER_BITS)) - 1);
        let time = time.min(MAX_TIME).max(self.time());
        self.packed = time << (LEVEL_BITS + ISSUER_BITS) | low;
    }

    fn is(&self, level: Level, issuer: u16, name: &str) -> bool {
        let low = u64::from(issuer) << LEVEL_BITS | level as u64;
        self.packed & ((1 << (LEVEL_BITS + ISSUER_BITS)) - 1) == low && *self.name == *name
    }
}

impl Shard {
    pub(super) fn get(&self, at: u32) -> Option<&Entry> {
        get(&self.blocks, at)
    }

    pub(super) fn get_mut(&mut self, at: u32) -> Option<&mut Entry> {
        let at = at as usize;
        self.blocks.get_mut(at / BLOCK)?.get_mut(at % BLOCK)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.blocks.iter().flatten()
    }

    pub(super) fn find(&self, hash: u64, level: Level, issuer: u16, name: &str) -> Option<u32> {
        let is_it = |at: &u32| {
            self.get(*at)
                .is_some_and(|entry| entry.is(level, issuer, name))
        };
        self.index.find(hash, is_it).copied()
    }

    /// `None` if there is no room.
    pub(super) fn push(
        &mut self,
        hash: u64,
        entry: Entry,
        hash_of: impl Fn(&Entry) -> u64,
    ) -> Option<()> {
        let at = u32::try_from(self.len()).ok()?;
        if at as usize / BLOCK == self.blocks.len() {
            self.blocks.push(Vec::with_capacity(BLOCK));
        }
        self.blocks.last_mut()?.push(entry);
        let blocks = &self.blocks;
        self.index
            .insert_unique(hash, at, |at| get(blocks, *at).map_or(0, &hash_of));
        Some(())
    }

    /// Removes the entry at a place; the last one moves there.
    pub(super) fn remove(&mut self, at: u32, hash_of: impl Fn(&Entry) -> u64) {
        let Some(hash) = self.get(at).map(&hash_of) else {
            return;
        };
        if let Ok(found) = self.index.find_entry(hash, |found| *found == at) {
            found.remove();
        }
        let Some(last) = self.blocks.last_mut().and_then(Vec::pop) else {
            return;
        };
        if self.blocks.last().is_some_and(Vec::is_empty) {
            self.blocks.pop();
        }
        // The place that it had is the number of those that are left.
        let was_at = u32::try_from(self.len()).unwrap_or(u32::MAX);
        if was_at == at {
            return;
        }
        let hash = hash_of(&last);
        if let Some(moved) = self.index.find_mut(hash, |found| *found == was_at) {
            *moved = at;
        }
        if let Some(entry) = self.get_mut(at) {
            *entry = last;
        }
    }

    /// Gives memory back after many have gone.
    pub(super) fn shrink(&mut self, hash_of: impl Fn(&Entry) -> u64) {
        if self.index.capacity() / 4 > self.len() {
            let blocks = &self.blocks;
            self.index
                .shrink_to_fit(|at| get(blocks, *at).map_or(0, &hash_of));
            self.blocks.shrink_to_fit();
        }
    }

    fn len(&self) -> usize {
        let full = self.blocks.len().saturating_sub(1) * BLOCK;
        full + self.blocks.last().map_or(0, Vec::len)
    }
}

fn get(blocks: &[Vec<Entry>], at: u32) -> Option<&Entry> {
    let at = at as usize;
    blocks.get(at / BLOCK)?.get(at % BLOCK)
}
