//! Follows the store, so that this process knows every ban, and tells it those of its own.

use std::{
    collections::HashSet,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use redis::{FromRedisValue, Value};
use tokio::time::timeout;

use super::{
    Change, State, Untold,
    record::{Record, decode_key, encode},
};
use crate::{
    bans::{
        nanos,
        network::{Key, is_too_wide},
        table::{Ban, Forget, Full},
    },
    store::{Connection, random_id, script},
};

/// Between two questions.
const POLL: Duration = Duration::from_millis(500);
/// How long an answer may take. Requests do not wait for it.
const LIMIT: Duration = Duration::from_millis(200);
/// Networks that are read at once.
const CHUNK: usize = 500;
/// Networks that are told at once.
const BATCH: usize = 200;
/// Between two readings of the whole store because there is room again for what there was none for.
const READ_AGAIN: Duration = Duration::from_secs(10);
/// A batch that is repeated later than this is taken for a new one.
const REQUEST_REMEMBERED: Duration = Duration::from_secs(10 * 60);

/// Never ends.
pub(super) async fn run(state: &State) {
    let mut follower = Follower::new(state);
    let mut is_new = true;
    loop {
        match follower.turn().await {
            Ok(()) => {
                if !std::mem::replace(&mut follower.is_following, true) {
                    tracing::info!(
                        event = "sys_store_followed",
                        "the store of bans is followed"
                    );
                }
            }
            Err(Lost) => {
                if std::mem::take(&mut follower.is_following) || is_new {
                    tracing::warn!(
                        event = "sys_store_lost",
                        "the store of bans does not answer: bans hold in this process alone"
                    );
                }
                is_new = false;
            }
        }
        state
            .table
            .writer()
            .sweep(state.clock.monotonic_nanos(), Forget::Forgotten);
        // What cannot be told is not told again at once.
        if follower.is_following {
            timeout(POLL, state.filled.notified()).await.ok();
        } else {
            tokio::time::sleep(POLL / 5).await;
        }
    }
}

/// The store did not answer, or not what it should.
#[derive(Debug)]
struct Lost;

struct Follower<'a> {
    state: &'a State,
    names: [String; 4],
    /// Which contents are known, up to which version.
    epoch: String,
    version: u64,
    /// A time of this process, and what time it was then for the store, in milliseconds.
    time: (u64, u64),
    /// There was no room here for a ban of the store.
    lacks_room: bool,
    /// Before this time the store is not read again for it.
    read_again_at: u64,
    /// What was sent and not acknowledged: to be sent again as it was.
    sent: Option<Batch>,
    is_following: bool,
}

struct Batch {
    id: String,
    changes: Vec<(Key, Untold)>,
}

/// What the store says has changed.
struct Changes {
    epoch: String,
    now: u64,
    version: u64,
    records: Vec<(String, String)>,
}

impl<'a> Follower<'a> {
    fn new(state: &'a State) -> Self {
        let names = ["state", "entries", "changes", "expiry"];
        Self {
            state,
            names: names.map(|name| state.server.name(&format!("bans:{name}"))),
            epoch: String::new(),
            version: 0,
            time: (0, 0),
            lacks_room: false,
            read_again_at: 0,
            sent: None,
            is_following: false,
        }
    }

    /// Learns what has changed, and tells what is in the outbox.
    async fn turn(&mut self) -> Result<(), Lost> {
        let connection = self.state.server.connection().map_err(|_| Lost)?;
        self.learn(&connection).await?;
        self.tell(&connection).await
    }

    async fn learn(&mut self, connection: &Arc<Connection>) -> Result<(), Lost> {
        let mut seen = HashSet::<Key>::new();
        let mut is_new = false;
        let now = self.state.clock.monotonic_nanos();
        if self.lacks_room && now >= self.read_again_at && self.state.table.writer().has_room(now) {
            // What there was none for may fit now.
            (self.version, self.lacks_room) = (0, false);
            self.read_again_at = now.saturating_add(nanos(READ_AGAIN));
        }
        let mut refused = 0;
        loop {
            let sent = self.state.clock.monotonic_nanos();
            let changes = self.ask(connection).await?;
            self.time = (self.state.clock.monotonic_nanos(), changes.now);
            if changes.epoch != self.epoch {
                (self.epoch, self.version) = (changes.epoch, 0);
                (seen, is_new) = (HashSet::new(), true);
                continue;
            }
            let is_last = changes.records.len() < CHUNK;
            self.version = changes.version;
            let outcome = self.apply(&changes, is_new.then_some(&mut seen), &mut refused);
            self.lacks_room |= outcome.is_err();
            if is_last {
                warn_of(refused);
                if is_new {
                    self.merge(connection, &seen).await?;
                }
                if !self.lacks_room {
                    let confirmed = sent.saturating_add(1);
                    self.state.confirmed.store(confirmed, Ordering::Release);
                }
                return Ok(());
            }
        }
    }

    async fn ask(&self, connection: &Arc<Connection>) -> Result<Changes, Lost> {
        let command = script(
            include_str!("scripts/changes.lua"),
            &self.names.each_ref(),
            [
                connection.run().to_owned(),
                random_id(),
                self.epoch.clone(),
                self.version.to_string(),
                CHUNK.to_string(),
            ],
        );
        let answer = connection.ask::<Vec<Value>>(&command, LIMIT).await;
        let values = self.state.server.judge(connection, answer).ok_or(Lost)?;
        Changes::read(values).ok_or(Lost)
    }

    /// Has what the store knows hold here, but for what it was not told yet; counts what does not.
    ///
    /// # Errors
    ///
    /// There is no room for some of it; the rest holds.
    fn apply(
        &self,
        changes: &Changes,
        mut seen: Option<&mut HashSet<Key>>,
        refused: &mut usize,
    ) -> Result<(), Full> {
        let state = self.state;
        let mut writer = state.table.writer();
        let outbox = state.outbox();
        let now = state.clock.monotonic_nanos();
        let here = |time: u64| {
            let rest = Duration::from_millis(time.saturating_sub(changes.now));
            now.saturating_add(u64::try_from(rest.as_nanos()).unwrap_or(u64::MAX))
        };
        let mut outcome = Ok(());
        for (network, value) in &changes.records {
            let (Some(target), Some(record)) = (decode_key(network), Record::decode(value)) else {
                *refused += 1;
                continue;
            };
            let key = Key::new(target);
            if let Some(seen) = seen.as_deref_mut() {
                seen.insert(key);
            }
            if outbox.changes.contains_key(&key) {
                continue;
            }
            match record {
                Record::Lifted => {
                    writer.remove(key);
                }
                // Another process may trust other proxies.
                Record::Banned { .. }
                    if is_too_wide(&target) || state.addresses.has_proxy_in(&target) =>
                {
                    *refused += 1;
                }
                Record::Banned {
                    until,
                    forget,
                    level,
                    reason,
                } => {
                    let ban = Ban {
                        until: here(until),
                        forget: here(forget),
                        level,
                        reason,
                    };
                    let set = writer.set(key, ban, now);
                    *refused += usize::from(set.is_err());
                    outcome = outcome.and(set);
                }
            }
        }
        outcome
    }

    /// Tells what the store may have lost.
    async fn merge(&self, connection: &Connection, seen: &HashSet<Key>) -> Result<(), Lost> {
        let state = self.state;
        let now = state.clock.monotonic_nanos();
        let mut missing = Vec::new();
        state.table.each(|key, ban| {
            if ban.forget > now && !seen.contains(&key) {
                missing.push((key, Change::Ban(ban.clone())));
            }
        });
        // Its own changes are told as such.
        missing.retain(|(key, _)| !state.outbox().changes.contains_key(key));
        for batch in missing.chunks(BATCH) {
            let made = self.time.0;
            let changes = batch
                .iter()
                .map(|(key, change)| ("merge", *key, made, change));
            self.write(connection, &random_id(), changes).await?;
        }
        Ok(())
    }

    /// Empties the outbox.
    async fn tell(&mut self, connection: &Connection) -> Result<(), Lost> {
        loop {
            let batch = match self.sent.take() {
                Some(batch) => batch,
                None => match self.next_batch() {
                    Some(batch) => batch,
                    None => return Ok(()),
                },
            };
            let changes = batch.changes.iter().map(|(key, untold)| {
                let what = match untold.change {
                    Change::Ban(_) => "ban",
                    Change::Replace(_) => "replace",
                    Change::Lift { .. } => "lift",
                };
                (what, *key, untold.made, &untold.change)
            });
            let written = self.write(connection, &batch.id, changes).await;
            if written.is_err() {
                self.sent = Some(batch);
                return written;
            }
            let mut outbox = self.state.outbox();
            for (key, told) in batch.changes {
                // What was changed since is still to be told.
                let last = outbox.changes.get(&key);
                if last.is_some_and(|last| last.number == told.number) {
                    outbox.changes.remove(&key);
                }
            }
        }
    }

    fn next_batch(&self) -> Option<Batch> {
        let outbox = self.state.outbox();
        let changes = outbox.changes.iter().take(BATCH);
        let changes = changes
            .map(|(key, untold)| (*key, untold.clone()))
            .collect::<Vec<_>>();
        (!changes.is_empty()).then(|| Batch {
            id: random_id(),
            changes,
        })
    }

    /// What time it was for the store, in milliseconds, at a time of this process.
    fn store_time(&self, ours: u64) -> u64 {
        let (then, now) = self.time;
        let millis = |nanos: u64| nanos / 1_000_000;
        let ahead = millis(ours.saturating_sub(then));
        now.saturating_add(ahead)
            .saturating_sub(millis(then.saturating_sub(ours)))
    }

    async fn write<'c>(
        &self,
        connection: &Connection,
        id: &str,
        changes: impl Iterator<Item = (&'c str, Key, u64, &'c Change)>,
    ) -> Result<(), Lost> {
        let now = self.state.clock.monotonic_nanos();
        let mut arguments = vec![
            connection.run().to_owned(),
            REQUEST_REMEMBERED.as_millis().to_string(),
            self.state.max_entries.to_string(),
        ];
        arguments.extend(changes.flat_map(|(what, key, made, change)| {
            encode(what, key, change, self.store_time(made), now)
        }));
        let [state, entries, by_version, expiry] = &self.names;
        let request = self.state.server.name(&format!("bans:request:{id}"));
        let command = script(
            include_str!("scripts/write.lua"),
            &[state, entries, by_version, expiry, &request],
            arguments,
        );
        let answer = self.state.server.ask::<(String, u64)>(&command, LIMIT);
        let (word, without_room) = answer.await.map_err(|_| Lost)?;
        if without_room > 0 {
            tracing::warn!(
                event = "sys_bans_not_shared",
                without_room,
                "bans hold in this process alone: the store has no room for them \
                 (`bans.max_entries`)"
            );
        }
        match word.as_str() {
            "written" => Ok(()),
            _ => Err(Lost),
        }
    }
}

/// Once for all that was read.
fn warn_of(refused: usize) {
    if refused > 0 {
        tracing::warn!(
            event = "sys_bans_not_taken",
            refused,
            "bans of the store do not hold here: they are malformed, would ban a trusted proxy, or \
             there is no room for them (`bans.max_entries`)"
        );
    }
}

impl Changes {
    fn read(values: Vec<Value>) -> Option<Self> {
        let mut values = values.into_iter();
        let epoch = String::from_redis_value(values.next()?).ok()?;
        let now = u64::from_redis_value(values.next()?).ok()?;
        let version = u64::from_redis_value(values.next()?).ok()?;
        let mut records = Vec::new();
        while let Some(key) = values.next() {
            let key = String::from_redis_value(key).ok()?;
            records.push((key, String::from_redis_value(values.next()?).ok()?));
        }
        Some(Self {
            epoch,
            now,
            version,
            records,
        })
    }
}
