//! Reads all entries of the store, and tells it those that it has lost.
//!
//! Neither is ever in memory twice: the store is read in chunks, and what is known here is gone
//! through part by part. Of each entry that was read a hash is kept, for as long as it takes.

use std::{hash::BuildHasher, iter};

use foldhash::quality::RandomState;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    Change, Record, Shared,
    fault::Fault,
    follower::{Follower, LIMIT},
    link::Link,
};
use crate::store;

/// Entries that are told to the store at once. It does nothing else meanwhile, for a few
/// milliseconds.
const BATCH: usize = 1000;
/// While the store reads one batch, others are on their way.
const BATCHES: usize = 3;
/// Chunks or batches after which the others are asked to go on waiting: a fraction of a second.
const GO_ON_WAITING: usize = 8;

/// What was read, as sorted hashes. That two entries of a million have the same happens once in
/// 40 million times; one of them is then not told again.
struct Seen {
    hasher: RandomState,
    hashes: Vec<u64>,
}

impl Follower<'_> {
    /// Reads all entries, and tells the store what is missing there. What was lifted is not
    /// missing: it stands there as lifted, until no token needs it.
    pub(super) async fn load(&mut self, link: &Link) -> Result<(), Fault> {
        let shared = self.shared;
        let state = link.open(LIMIT).await?;
        let is_new = state.epoch != self.epoch;
        let is_waited_for = is_new && state.epoch != self.told;
        if is_waited_for {
            link.hold(&self.name, true, LIMIT).await?;
        }
        // What was changed here comes first: it wins over a lift that was kept.
        self.tell(link, |outgoing| is_new || outgoing.acknowledged.is_none())
            .await?;
        let (seen, applied) = self.read(link, is_waited_for).await?;
        self.tell_missing(link, &seen, is_waited_for).await?;
        if is_waited_for {
            link.hold(&self.name, false, LIMIT).await?;
            self.told.clone_from(&state.epoch);
        }
        // Who has no room for what the others know has still told what it knows itself.
        applied?;
        self.sequence = state.sequence;
        self.epoch.clone_from(&state.epoch);
        shared.epoch.store(state.epoch.into());
        Ok(())
    }

    /// What the store has, and whether there was room for it.
    async fn read(
        &self,
        link: &Link,
        is_waited_for: bool,
    ) -> Result<(Seen, Result<(), Fault>), Fault> {
        let mut seen = Seen {
            hasher: RandomState::default(),
            hashes: Vec::new(),
        };
        let mut outcome = Ok(());
        let mut chunk = link.scan(0, LIMIT).await?;
        for count in 1.. {
            let (next, entries) = chunk;
            let more = async {
                match next {
                    0 => Ok(None),
                    next => link.scan(next, LIMIT).await.map(Some),
                }
            };
            let applied = async {
                // The question goes out first: the store looks for more while these are read and
                // come into effect.
                tokio::task::yield_now().await;
                let changes = decode(&entries)?;
                seen.add(&changes);
                Ok::<_, Fault>(Shared::applied(self.shared.sink.apply(changes)).await)
            };
            let (more, applied) = tokio::join!(more, applied);
            outcome = outcome.and(applied?);
            let Some(more) = more? else { break };
            chunk = more;
            if is_waited_for && count % GO_ON_WAITING == 0 {
                link.hold(&self.name, true, LIMIT).await?;
            }
        }
        // The same entry may have been shown twice.
        seen.hashes.sort_unstable();
        Ok((seen, outcome))
    }

    async fn tell_missing(
        &self,
        link: &Link,
        seen: &Seen,
        is_waited_for: bool,
    ) -> Result<(), Fault> {
        let sink = &self.shared.sink;
        let mut missing = (0..sink.parts())
            .flat_map(|part| sink.known(part))
            .filter(|record| !seen.has(record));
        let batches = iter::from_fn(|| {
            let batch = missing.by_ref().take(BATCH).collect::<Vec<_>>();
            (!batch.is_empty()).then_some(batch)
        });
        let mut told = stream::iter(batches)
            .map(|batch| link.merge(batch, LIMIT))
            .buffer_unordered(BATCHES);
        let mut count = 0_usize;
        while let Some(()) = told.try_next().await? {
            count += 1;
            if is_waited_for && count.is_multiple_of(GO_ON_WAITING) {
                link.hold(&self.name, true, LIMIT).await?;
            }
        }
        Ok(())
    }
}

fn decode(entries: &[(String, String)]) -> Result<Vec<Change>, Fault> {
    let changes = entries
        .iter()
        .map(|(key, value)| Change::decode(key, value).ok_or(store::Fault::Foreign));
    Ok(changes.collect::<Result<_, _>>()?)
}

impl Seen {
    fn add(&mut self, changes: &[Change]) {
        let targets = changes.iter().map(|change| match change {
            Change::Lifted(target) => target,
            Change::Revoked(record) => &record.target,
        });
        self.hashes
            .extend(targets.map(|target| self.hasher.hash_one(target)));
    }

    fn has(&self, record: &Record) -> bool {
        let hash = self.hasher.hash_one(&record.target);
        self.hashes.binary_search(&hash).is_ok()
    }
}
