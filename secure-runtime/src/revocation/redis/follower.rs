//! Follows the stream, so that this process knows every entry.

use std::{
    convert::Infallible,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::sleep;

use super::{
    Outgoing, Shared, doctor,
    fault::Fault,
    link::{Link, State},
};
use crate::store::{self, random_id};

/// How long the server is waited for; requests do not wait.
pub(super) const LIMIT: Duration = Duration::from_millis(800);
/// How long the server waits for a change before the next beat.
const WAIT: Duration = Duration::from_millis(200);
/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(150);

/// Never ends.
pub(super) async fn run(shared: &Shared) {
    let mut follower = Follower {
        shared,
        name: random_id(),
        epoch: String::new(),
        told: String::new(),
        sequence: 0,
        is_following: false,
        checked: String::new(),
    };
    let mut is_new = true;
    loop {
        let Err(fault) = follower.session().await;
        if follower.is_following || is_new {
            tracing::warn!(
                event = "sys_store_lost",
                "the store of revocations is lost: {fault}"
            );
        }
        if let Fault::Store(fault) = &fault {
            // A server tells who waits for the stream when it becomes a replica, and nobody else.
            shared.server.hear(fault);
        }
        follower.is_following = false;
        is_new = false;
        sleep(PAUSE).await;
    }
}

pub(super) struct Follower<'a> {
    pub(super) shared: &'a Shared,
    /// What the store calls this process.
    pub(super) name: String,
    /// Which contents are known, up to which change.
    pub(super) epoch: String,
    pub(super) sequence: u64,
    /// Which contents have all that was known here when they were new.
    pub(super) told: String,
    is_following: bool,
    /// Which memory the operator was warned of.
    checked: String,
}

/// What a beat has said, to be believed once every change up to it is known.
struct Beat {
    sequence: u64,
    /// When it was asked for.
    sent: u64,
}

impl Follower<'_> {
    /// Ends where the connection does.
    async fn session(&mut self) -> Result<Infallible, Fault> {
        let shared = self.shared;
        let connection = shared.server.connect(LIMIT).await?;
        let link = Link::new(Arc::new(connection), &shared.names);
        let state = link.open(LIMIT).await?;
        let mut is_settled = state.is_settled();
        if state.epoch != self.epoch {
            self.load(&link).await?;
        }
        let mut beat: Option<Beat> = None;
        let mut expected = self.sequence;
        loop {
            let followed = tokio::select! {
                () = shared.server.moved() => return Err(store::Fault::Silent.into()),
                followed = link.follow(self.sequence, WAIT, LIMIT) => followed?,
            };
            match followed {
                // What the last beat has counted must be in the stream.
                Some(lines) if !lines.is_empty() || expected <= self.sequence => {
                    let last = lines.last().map(|(sequence, _)| *sequence);
                    let changes = lines.into_iter().map(|(_, change)| change).collect();
                    // What there is no room for is not known, and is read once more.
                    Shared::applied(shared.sink.apply(changes)).await?;
                    self.sequence = last.unwrap_or(self.sequence);
                }
                _ if is_settled => {
                    self.load(&link).await?;
                    beat = None;
                }
                // Somebody tells much. It is read once, when all of it is there.
                _ => sleep(WAIT).await,
            }
            if beat
                .as_ref()
                .is_some_and(|beat| beat.sequence <= self.sequence)
                && let Some(beat) = beat.take()
            {
                self.confirm(&beat);
            }
            if shared.unsent.swap(false, Ordering::AcqRel) {
                let told = self.tell(&link, |outgoing| outgoing.acknowledged.is_none());
                match told.await {
                    // There is no room, say. It is told again after the next beat, and what
                    // others tell is known meanwhile.
                    Err(Fault::Store(fault)) if fault.is_of_the_command() => {}
                    told => told?,
                }
            }

            let sent = shared.clock.monotonic_nanos();
            let state = link.beat(LIMIT).await?;
            if state.epoch != self.epoch {
                self.load(&link).await?;
                beat = None;
                expected = self.sequence;
                is_settled = false;
                continue;
            }
            self.note_time(&state);
            expected = state.sequence;
            let sequence = state.sequence;
            is_settled = state.is_settled();
            if !is_settled {
                beat = None;
            } else if sequence == self.sequence {
                self.confirm(&Beat { sequence, sent });
                beat = None;
            } else if beat.is_none() {
                beat = Some(Beat { sequence, sent });
            }
            if self.checked != link.connection().run() {
                link.connection().run().clone_into(&mut self.checked);
                doctor::warn(&link, shared.server.is_replicated(), LIMIT).await;
            }
        }
    }

    /// INVARIANT: everything that the store had at `beat.sent` is in effect.
    fn confirm(&mut self, beat: &Beat) {
        self.shared
            .confirmed
            .store(beat.sent.saturating_add(1), Ordering::Release);
        if !self.is_following {
            self.is_following = true;
            tracing::info!(
                event = "sys_store_followed",
                "the store of revocations is followed"
            );
        }
    }

    /// The answer took its time, so the server is taken to be a little behind what it is: a token
    /// that is issued by that time is never later than a cut-off which follows it.
    fn note_time(&self, state: &State) {
        let ours = self.shared.clock.unix_millis();
        let signed = |millis: u64| i64::try_from(millis).unwrap_or(i64::MAX);
        let ahead = signed(state.now).saturating_sub(signed(ours));
        self.shared.ahead.store(ahead, Ordering::Relaxed);
    }

    /// Sends changes of this process once more. The store remembers which it has.
    pub(super) async fn tell(
        &self,
        link: &Link,
        which: impl Fn(&Outgoing) -> bool,
    ) -> Result<(), Fault> {
        let shared = self.shared;
        let requests = shared
            .outbox()
            .iter()
            .filter(|outgoing| which(outgoing))
            .map(|outgoing| outgoing.request.clone())
            .collect::<Vec<_>>();
        for request in requests {
            match link.write(&request, LIMIT).await {
                Ok(_) => shared.acknowledge(&request.id),
                Err(fault) => {
                    shared.unsent.store(true, Ordering::Release);
                    return Err(fault);
                }
            }
        }
        Ok(())
    }
}
