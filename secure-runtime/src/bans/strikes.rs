//! Counts strikes of clients, in a bounded memory.
//!
//! A strike counts for no longer than the time of its rule, and for at least fifteen sixteenths
//! of it: so who stays below the count of a rule in every such time is never banned by it. A
//! client has as many bytes of memory however much it is struck. Where there are more clients than
//! places, those that were struck once make room before those that are struck again and again.

use std::time::Duration;

use foldhash::quality::RandomState;
use quick_cache::{
    UnitWeighter,
    sync::{Cache, DefaultLifecycle, EntryAction, EntryResult},
};

use crate::address::Network;

/// Parts into which the time of a rule is divided.
const SLOTS: usize = 16;

/// Strikes by rule and client.
pub(super) struct Strikes {
    windows: Cache<(u16, Network), Window, UnitWeighter, RandomState>,
}

impl Strikes {
    /// At most about `max_len` clients are counted, each once for each rule that it was struck by.
    pub(super) fn new(max_len: usize) -> Self {
        Self {
            windows: Cache::with(
                max_len,
                max_len as u64,
                UnitWeighter,
                RandomState::default(),
                DefaultLifecycle::default(),
            ),
        }
    }

    /// Counts a strike of so much weight; how many there were in the time `within`.
    pub(super) fn add(
        &self,
        rule: u16,
        client: Network,
        weight: u16,
        (within, now): (Duration, u64),
    ) -> u32 {
        let slot = now / slot_length(within);
        let counted = self.windows.entry(&(rule, client), None, |_, window| {
            EntryAction::<u32>::Retain(window.add(slot, weight))
        });
        match counted {
            EntryResult::Retained(count) => count,
            EntryResult::Vacant(place) => {
                let mut window = Window::default();
                let count = window.add(slot, weight);
                // Another thread that was here first has counted its own.
                place.insert(window).ok();
                count
            }
            // The entry is neither removed nor replaced, and waited for without limit.
            EntryResult::Removed(..) | EntryResult::Replaced(..) | EntryResult::Timeout => 0,
        }
    }

    /// Forgets the strikes of a client.
    pub(super) fn forget(&self, rule: u16, client: Network) {
        self.windows.remove(&(rule, client));
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.windows.len()
    }
}

fn slot_length(within: Duration) -> u64 {
    let nanos = u64::try_from(within.as_nanos()).unwrap_or(u64::MAX);
    (nanos / SLOTS as u64).max(1)
}

/// How many strikes there were in each of the last slots of time.
#[derive(Clone, Debug, Default)]
struct Window {
    newest: u64,
    /// By number of the slot modulo their count.
    counts: [u16; SLOTS],
}

impl Window {
    fn add(&mut self, slot: u64, weight: u16) -> u32 {
        // Of two threads the one that looked at the clock first may come second.
        let slot = slot.max(self.newest);
        let passed = slot - self.newest;
        for gone in 0..passed.min(SLOTS as u64) {
            *self.at(slot - gone) = 0;
        }
        self.newest = slot;
        let count = self.at(slot);
        *count = count.saturating_add(weight);
        self.counts.iter().map(|count| u32::from(*count)).sum()
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "the remainder by the number of slots is below it"
    )]
    fn at(&mut self, slot: u64) -> &mut u16 {
        &mut self.counts[(slot % SLOTS as u64) as usize]
    }
}
