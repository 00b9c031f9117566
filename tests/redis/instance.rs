//! A process as far as revocation goes: its entries, its connections, its verdicts.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use secure_runtime::{
    Clock,
    revocation::redis::{Change, CutOff, Key, Level, Record, SharedStore, Silent, Sink},
};

/// How old the knowledge may be, on the routes of these tests.
pub(crate) const BOUND: Duration = Duration::from_secs(1);
/// No request waits longer for the store, in any fault.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_millis(100);
/// Threads of the test's own process may be late by this much on a loaded machine.
pub(crate) const SLACK: Duration = Duration::from_millis(60);

#[derive(Default)]
pub(crate) struct Table(Mutex<HashMap<Key, Record>>);

impl Sink for Table {
    fn apply(&self, changes: Vec<Change>) {
        let mut table = self.0.lock().unwrap();
        for change in changes {
            match change {
                Change::Revoked(record) => {
                    table.insert(record.key.clone(), record);
                }
                Change::Lifted(key) => {
                    table.remove(&key);
                }
            }
        }
    }

    fn known(&self) -> Vec<Record> {
        self.0.lock().unwrap().values().cloned().collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accepted,
    Refused,
    /// 503.
    Undecided,
}

pub(crate) struct Instance {
    pub(crate) store: SharedStore,
    table: Arc<Table>,
}

pub(crate) fn token(name: &str) -> Key {
    Key::new(Level::Token, "https://id.example.com", name)
}

impl Instance {
    pub(crate) fn new(url: &str) -> Self {
        Self::with_clock(url, Clock::system())
    }

    pub(crate) fn with_clock(url: &str, clock: Clock) -> Self {
        let table = Arc::new(Table::default());
        let sink = Arc::clone(&table) as Arc<dyn Sink>;
        Self {
            store: SharedStore::open(url, "test", clock, sink).unwrap(),
            table,
        }
    }

    /// One that knows everything.
    pub(crate) async fn ready(url: &str) -> Self {
        let instance = Self::new(url);
        instance.wait().await;
        instance
    }

    /// Until the knowledge is fresh and the store is asked again.
    pub(crate) async fn wait(&self) {
        eventually("the store is followed", || {
            self.is_fresh(BOUND) && self.store.is_reachable()
        })
        .await;
    }

    pub(crate) fn is_fresh(&self, bound: Duration) -> bool {
        self.store.age().is_some_and(|age| age <= bound)
    }

    pub(crate) async fn revoke(&self, name: &str) -> Result<Record, Silent> {
        let key = token(name);
        let record = Record {
            key: key.clone(),
            cut_off_ms: 1,
            forget_at_ms: u64::MAX >> 12,
        };
        self.table.apply(vec![Change::Revoked(record)]);
        let cut_off = CutOff::At {
            cut_off_ms: 1,
            forget_at_ms: u64::MAX >> 12,
        };
        let start = Instant::now();
        let written = self.store.publish(key, cut_off).await;
        assert!(
            start.elapsed() < LONGEST_WAIT + SLACK,
            "{:?}",
            start.elapsed()
        );
        written
    }

    /// What the pipeline does with a token on a route with this bound.
    pub(crate) async fn verdict(&self, name: &str, bound: Duration) -> Verdict {
        let key = token(name);
        if self.table.0.lock().unwrap().contains_key(&key) {
            return Verdict::Refused;
        }
        if self.is_fresh(bound) {
            // Again: what became known between the two looks counts.
            return match self.table.0.lock().unwrap().contains_key(&key) {
                true => Verdict::Refused,
                false => Verdict::Accepted,
            };
        }
        let start = Instant::now();
        let answer = self.store.ask(&[key]).await;
        assert!(
            start.elapsed() < LONGEST_WAIT + SLACK,
            "{:?}",
            start.elapsed()
        );
        match answer.as_deref() {
            Ok([Some(_)]) => Verdict::Refused,
            Ok(_) => Verdict::Accepted,
            Err(Silent) => Verdict::Undecided,
        }
    }

    pub(crate) async fn until_refused(&self, name: &str) -> Duration {
        let start = Instant::now();
        while self.verdict(name, BOUND).await != Verdict::Refused {
            assert!(
                start.elapsed() < Duration::from_secs(15),
                "`{name}` is not refused"
            );
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
        start.elapsed()
    }
}

pub(crate) async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "not in time: {what}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) async fn pause(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}
