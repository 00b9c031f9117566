//! A list that many processes share: when it answers from its own memory, and when it asks.

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Sender},
    },
    time::Duration,
};

use super::{
    RevocationError, RevocationTarget,
    entries::{Entries, Retention},
    keeper::{Keeper, Order},
    redis::{Change, CutOff, Full, Record, SharedStore, Sink},
    target::{Key, Level},
};
use crate::{
    auth::Principal,
    clock::Clock,
    policy::Outage,
    rejection::{Refusal, Rejection},
    store::Store,
};

/// When to come back after the store was silent, in seconds.
const RETRY_AFTER: u64 = 2;

/// The store, seen from a list.
pub(super) struct Shared {
    store: SharedStore,
    retention: Retention,
}

impl Shared {
    pub(super) fn start(
        store: Store,
        clock: Clock,
        entries: Arc<Entries>,
        retention: Retention,
        keeper: &Keeper,
    ) -> Result<Self, RevocationError> {
        let orders = keeper.orders().ok_or(RevocationError::Stopped)?;
        let held = Held {
            entries,
            orders: Mutex::new(orders),
            retention,
        };
        Ok(Self {
            store: SharedStore::start(store, clock, Arc::new(held)),
            retention,
        })
    }

    /// Whether this process knows all that was revoked longer than `bound` ago. To be asked before
    /// the entries are looked at.
    pub(super) fn is_fresh(&self, bound: Duration) -> bool {
        !bound.is_zero() && self.store.age().is_some_and(|age| age <= bound)
    }

    pub(super) fn age(&self) -> Option<Duration> {
        self.store.age()
    }

    /// Asks the store about a caller of whom this process knows nothing bad, but not enough.
    pub(super) async fn ask(&self, caller: &Principal, outage: Outage) -> Result<(), Rejection> {
        let issuer = caller.issuer();
        let names = [
            (Level::Everybody, Some("")),
            (Level::Issuer, Some("")),
            (Level::Client, caller.client_id()),
            (Level::Subject, Some(caller.subject())),
            (Level::Session, caller.session_id()),
            (Level::Token, Some(caller.token_id())),
        ];
        let targets = names.map(|(level, name)| {
            let key = Key {
                level,
                issuer,
                name: name?,
            };
            Some(key.to_target())
        });
        let targets = targets.into_iter().flatten().collect::<Vec<_>>();
        let Ok(records) = self.store.ask(&targets).await else {
            return self.outage(outage);
        };
        let issued_at = caller.issued_at_millis();
        let refuses = |record: &Record| {
            let level = record.target.key().level;
            (level == Level::Token || issued_at <= record.cut_off_ms).then_some(level)
        };
        match records.iter().flatten().find_map(refuses) {
            None => Ok(()),
            Some(level) => Err(Rejection::new(Refusal::CredentialsRevoked, level.reason())),
        }
    }

    fn outage(&self, outage: Outage) -> Result<(), Rejection> {
        let silent =
            |detail| Err(Rejection::new(Refusal::Undecided, detail).with_retry_after(RETRY_AFTER));
        match (outage, self.store.age()) {
            // Without a first look at the store there is nothing to go on with.
            (_, None) => silent("revocation: the shared store was not read yet"),
            (Outage::Deny, Some(_)) => silent("revocation: the shared store does not answer"),
            (Outage::Local, Some(_)) => Ok(()),
        }
    }

    /// The store's time, as far as it is known.
    pub(super) fn now(&self, ours: u64) -> u64 {
        ours.saturating_add_signed(self.store.clock_ahead_ms())
    }

    /// Has the store know what this process refuses already; the time that counts from now on.
    ///
    /// `time` is a cut-off, and `ahead` how far it is ahead of now; or when a token expires.
    pub(super) async fn publish(
        &self,
        target: &RevocationTarget,
        time: u64,
        ahead: u64,
    ) -> Result<u64, RevocationError> {
        let level = target.key().level;
        let cut_off = match level {
            Level::Token => CutOff::At {
                cut_off_ms: time,
                forget_at_ms: self.retention.until(level, time),
            },
            _ => CutOff::Now {
                ahead_ms: ahead,
                keep_ms: self.retention.until(level, ahead),
            },
        };
        let published = self.store.publish(target.clone(), cut_off).await;
        published
            .map(|record| record.cut_off_ms)
            .map_err(|_| RevocationError::Store)
    }

    pub(super) async fn lift(&self, target: &RevocationTarget) -> Result<bool, RevocationError> {
        let lifted = self.store.lift(target.clone()).await;
        lifted.map_err(|_| RevocationError::Store)
    }
}

/// The entries of this process, as the store sees them.
struct Held {
    entries: Arc<Entries>,
    orders: Mutex<Sender<Order>>,
    retention: Retention,
}

impl Sink for Held {
    fn apply(&self, changes: Vec<Change>) -> Result<(), Full> {
        if changes.is_empty() {
            return Ok(());
        }
        let (answer, answered) = mpsc::channel();
        let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        orders
            .send(Order::Apply(changes, answer))
            .map_err(|_| Full)?;
        drop(orders);
        answered.recv().map_err(|_| Full)?
    }

    fn known(&self) -> Vec<Record> {
        let mut records = Vec::with_capacity(self.entries.len());
        let Ok(()) = self.entries.each(|key, time| {
            records.push(Record {
                target: key.to_target(),
                cut_off_ms: time,
                forget_at_ms: self.retention.until(key.level, time),
            });
            Ok::<(), Infallible>(())
        });
        records
    }
}
