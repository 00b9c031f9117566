//! Records in the memory of this process, at most so many.
//!
//! All records of an attempt are changed in one step: their shards are locked together, in the
//! order of their numbers.
//!
//! When a shard is full, the least of a few records that chance chooses makes room: that with
//! the fewest failures, and of these the oldest. So a flood of accounts with one failure each
//! pushes itself out, and not the account that somebody has guessed at for long. A record costs
//! about 190 bytes with its first failures, and up to 16 for each further one in its log, of which
//! there are at most `attempts`; one of a network up to 1.5 KB while it fails at many accounts.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use hashbrown::HashTable;

use super::{
    key::{Key, Subject},
    rules::{
        Accounts, Everybody, Limits, Marks, Network, Outcome, Records, Reservation, Rules, State,
        Streak, Verdict,
    },
};
use crate::clock::Clock;

/// So that threads seldom meet at one lock.
const SHARDS: usize = 64;
/// A smaller shard chooses badly whom to forget.
const MIN_PER_SHARD: usize = 16;
/// How many records are looked at to find one that makes room.
const SAMPLE: usize = 8;
/// How many records are looked at with each change, to forget those that have expired.
const SWEPT: usize = 2;

/// The records of one process.
#[derive(Debug)]
pub(super) struct Memory {
    shards: Box<[Mutex<Shard>]>,
    everybody: Mutex<Everybody>,
    limits: Limits,
    clock: Clock,
    /// The system's time when the clock began; from then on it does not jump.
    began: u64,
}

impl Memory {
    pub(super) fn new(clock: Clock, limits: Limits, max_keys: usize) -> Self {
        let shards = (max_keys / MIN_PER_SHARD).clamp(1, SHARDS);
        let room = (max_keys / shards).max(1);
        let elapsed = clock.monotonic_nanos() / 1_000_000;
        Self {
            shards: (0..shards).map(|_| Mutex::new(Shard::new(room))).collect(),
            everybody: Mutex::default(),
            limits,
            began: clock.unix_millis().saturating_sub(elapsed),
            clock,
        }
    }

    /// Milliseconds since 1970.
    fn now(&self) -> u64 {
        self.began + self.clock.monotonic_nanos() / 1_000_000
    }

    pub(super) fn reserve(&self, subject: &Subject, rules: &Rules) -> Verdict {
        self.with(subject, |records, now| {
            records.reserve(subject.attempt(), rules, now)
        })
    }

    pub(super) fn settle(&self, subject: &Subject, reservation: &Reservation, outcome: Outcome) {
        self.with(subject, |records, now| {
            let limits = &self.limits;
            records.settle(subject.attempt(), limits, reservation, outcome, now);
        });
    }

    /// Forgives an account; `enable` forgives everything.
    pub(super) fn forgive(&self, marks: Key, enable: bool) {
        let mut shard = self.lock(self.place(marks));
        let now = self.now();
        let mut known = match shard.take(marks) {
            Some(Value::Marks(known)) => known,
            _ => Marks::default(),
        };
        known.cleared = now;
        if enable {
            known.enabled = now;
        }
        shard.put(marks, Value::Marks(known), &self.limits, now);
    }

    pub(super) fn state(&self, marks: Key, account: Key, rules: &Rules) -> State {
        let mut records = Records::default();
        if let Some(Value::Marks(known)) = self.lock(self.place(marks)).get(marks) {
            records.marks = *known;
        }
        if let Some(Value::Streak(known)) = self.lock(self.place(account)).get(account) {
            records.account = known.clone();
        }
        records.state(rules, self.now())
    }

    /// Lends the records of a subject, alone, and says what the time is then.
    fn with<T>(&self, subject: &Subject, change: impl FnOnce(&mut Records, u64) -> T) -> T {
        let mut places: Vec<usize> = subject.keys().map(|key| self.place(key)).collect();
        places.sort_unstable();
        places.dedup();
        // INVARIANT: in the order of their numbers, or two attempts would wait for each other.
        let shards = places.into_iter().map(|place| (place, self.lock(place)));
        let shards = shards.collect();
        let mut everybody = self
            .everybody
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Not before all are held: another attempt would be later, and come first.
        let now = self.now();
        let mut held = Held {
            memory: self,
            shards,
            now,
        };
        let mut records = held.take(subject);
        mem::swap(&mut records.everybody, &mut everybody);
        let answer = change(&mut records, now);
        mem::swap(&mut records.everybody, &mut everybody);
        held.put(subject, records);
        answer
    }

    fn place(&self, key: Key) -> usize {
        // The low half is the hash within the shard.
        let high = (key.0 >> 96) as usize;
        high % self.shards.len()
    }

    #[expect(clippy::indexing_slicing, reason = "a place is below the length")]
    fn lock(&self, place: usize) -> MutexGuard<'_, Shard> {
        // Whole between two calls: nothing in between panics.
        self.shards[place]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes that the records take, as far as they can be asked.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let shard = |place| {
            let shard = self.lock(place);
            let slots = shard.slots.iter().map(|(_, value)| match value {
                Value::Marks(_) => 0,
                Value::Network(network) => {
                    size_of::<Network>()
                        + network.log.capacity() * 8
                        + network.accounts.0.capacity() * size_of::<super::rules::Failing>()
                }
                Value::Password(accounts) => {
                    accounts.0.capacity() * size_of::<super::rules::Failing>()
                }
                Value::Streak(streak) => streak.log.capacity() * 8,
            });
            shard.slots.capacity() * size_of::<(Key, Value)>()
                + shard.index.allocation_size()
                + slots.sum::<usize>()
        };
        (0..self.shards.len()).map(shard).sum()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        (0..self.shards.len())
            .map(|place| self.lock(place).slots.len())
            .sum()
    }
}

/// Every shard that one attempt needs.
struct Held<'a> {
    memory: &'a Memory,
    shards: Vec<(usize, MutexGuard<'a, Shard>)>,
    now: u64,
}

impl Held<'_> {
    fn shard(&mut self, key: Key) -> Option<&mut Shard> {
        let place = self.memory.place(key);
        let held = self.shards.iter_mut().find(|(known, _)| *known == place);
        held.map(|(_, shard)| &mut **shard)
    }

    fn take(&mut self, subject: &Subject) -> Records {
        let mut records = Records::default();
        let mut value = |key| self.shard(key).and_then(|shard| shard.take(key));
        if let Some(Value::Marks(marks)) = value(subject.marks) {
            records.marks = marks;
        }
        for (key, streak) in [
            (Some(subject.account), &mut records.account),
            (Some(subject.pair), &mut records.pair),
            (subject.device.map(|device| device.key), &mut records.device),
        ] {
            if let Some(Value::Streak(known)) = key.and_then(&mut value) {
                *streak = known;
            }
        }
        if let Some(Value::Network(network)) = value(subject.network) {
            records.network = *network;
        }
        if let Some(Value::Password(accounts)) = subject.password.and_then(value) {
            records.password = accounts;
        }
        records
    }

    fn put(&mut self, subject: &Subject, records: Records) {
        let (limits, now) = (self.memory.limits, self.now);
        let mut put = |key: Key, value: Value| {
            if let Some(shard) = self.shard(key) {
                shard.put(key, value, &limits, now);
            }
        };
        put(subject.marks, Value::Marks(records.marks));
        put(subject.account, Value::Streak(records.account));
        put(subject.pair, Value::Streak(records.pair));
        if let Some(device) = subject.device {
            put(device.key, Value::Streak(records.device));
        }
        put(subject.network, Value::Network(Box::new(records.network)));
        if let Some(password) = subject.password {
            put(password, Value::Password(records.password));
        }
    }
}

/// One kind of record; a key tells which.
#[derive(Debug)]
enum Value {
    Marks(Marks),
    Network(Box<Network>),
    Password(Accounts),
    Streak(Streak),
}

impl Value {
    fn is_empty(&self) -> bool {
        match self {
            Self::Marks(marks) => *marks == Marks::default(),
            Self::Network(network) => network.is_empty(),
            Self::Password(accounts) => accounts.0.is_empty(),
            Self::Streak(streak) => streak.count == 0,
        }
    }

    /// What counts for keeping it: failures, then its age. Nothing if it has expired.
    fn worth(&self, limits: &Limits, now: u64) -> (u32, u64) {
        let expired = (0, 0);
        match self {
            // Made by operators, not by clients.
            Self::Marks(marks) if marks.cleared + super::rules::DISABLED_KEPT > now => {
                (u32::MAX, marks.cleared)
            }
            Self::Network(network) if !network.is_expired(limits, now) => {
                let failures = u32::try_from(network.log.len()).unwrap_or(u32::MAX);
                let last = network.log.back().copied().unwrap_or(network.success);
                (failures.max(1), last)
            }
            Self::Password(accounts) if accounts.last() + 3_600_000 > now => {
                let failures = u32::try_from(accounts.0.len()).unwrap_or(u32::MAX);
                (failures, accounts.last())
            }
            Self::Streak(streak) if !streak.is_expired(limits, now) => (streak.count, streak.last),
            _ => expired,
        }
    }
}

/// A part of the records.
#[derive(Debug)]
struct Shard {
    slots: Vec<(Key, Value)>,
    /// Places in `slots`.
    index: HashTable<usize>,
    room: usize,
    chance: u64,
}

impl Shard {
    fn new(room: usize) -> Self {
        Self {
            slots: Vec::new(),
            index: HashTable::new(),
            room,
            chance: 0x9e37_79b9_7f4a_7c15,
        }
    }

    fn find(&self, key: Key) -> Option<usize> {
        let is_it = |place: &usize| self.slots.get(*place).is_some_and(|slot| slot.0 == key);
        self.index.find(key.hash(), is_it).copied()
    }

    fn get(&self, key: Key) -> Option<&Value> {
        let slot = self.slots.get(self.find(key)?)?;
        Some(&slot.1)
    }

    /// Takes a value out; its slot stays until the value is put back.
    fn take(&mut self, key: Key) -> Option<Value> {
        let place = self.find(key)?;
        let slot = self.slots.get_mut(place)?;
        Some(mem::replace(&mut slot.1, Value::Marks(Marks::default())))
    }

    fn put(&mut self, key: Key, value: Value, limits: &Limits, now: u64) {
        // Keys cannot be foreseen, so neither can this.
        self.chance ^= key.hash();
        match self.find(key) {
            Some(_) if value.is_empty() => self.remove(key),
            Some(place) => {
                if let Some(slot) = self.slots.get_mut(place) {
                    slot.1 = value;
                }
            }
            None if value.is_empty() => {}
            None => {
                for _ in 0..SWEPT {
                    self.forget_one(1, limits, now, |worth| worth == (0, 0));
                }
                // Of a small shard all that chance chose may be lent.
                for _ in 0..SAMPLE {
                    if self.slots.len() >= self.room {
                        self.forget_one(SAMPLE, limits, now, |_| true);
                    }
                }
                let place = self.slots.len();
                self.slots.push((key, value));
                let slots = &self.slots;
                let hash = |place: &usize| slots.get(*place).map_or(0, |slot| slot.0.hash());
                self.index.insert_unique(key.hash(), place, hash);
            }
        }
    }

    /// Removes the least of a few that chance chooses, if it is `little` enough.
    fn forget_one(
        &mut self,
        sample: usize,
        limits: &Limits,
        now: u64,
        little: impl Fn((u32, u64)) -> bool,
    ) {
        let chosen = (0..sample).filter_map(|_| {
            self.chance ^= self.chance << 13;
            self.chance ^= self.chance >> 7;
            self.chance ^= self.chance << 17;
            let place = self.chance as usize % self.slots.len().max(1);
            let (key, value) = self.slots.get(place)?;
            // What is taken out at the moment is somebody's, and stays.
            let lent = matches!(value, Value::Marks(marks) if *marks == Marks::default());
            (!lent).then(|| (value.worth(limits, now), *key))
        });
        let least = chosen.min_by_key(|(worth, _)| *worth);
        if let Some((worth, key)) = least
            && little(worth)
        {
            self.remove(key);
        }
    }

    fn remove(&mut self, key: Key) {
        let slots = &self.slots;
        let is_it = |place: &usize| slots.get(*place).is_some_and(|slot| slot.0 == key);
        let Ok(entry) = self.index.find_entry(key.hash(), is_it) else {
            return;
        };
        let (place, _) = entry.remove();
        self.slots.swap_remove(place);
        // The last one has moved here.
        if let Some((moved, _)) = self.slots.get(place) {
            let from = self.slots.len();
            if let Some(known) = self.index.find_mut(moved.hash(), |known| *known == from) {
                *known = place;
            }
        }
    }
}
