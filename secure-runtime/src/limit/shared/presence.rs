//! How many processes there are, and for how long each was alone.

use std::{
    num::NonZeroU32,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::time::sleep;

use crate::{
    clock::Clock,
    store::{Script, Server, random_id},
};

use super::{QUESTION, counted::Counted};

static BEAT: Script = Script::new(include_str!("beat.lua"));

/// Between two signs of life.
const BEAT_INTERVAL: Duration = Duration::from_secs(1);
/// Between two attempts at the first one, and after one that failed.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);
/// Who has given no sign for so many seconds is gone.
pub(super) const GONE_AFTER: u32 = 3;

/// What is known of the other processes, and whether the store can be asked at all.
#[derive(Debug)]
pub(super) struct Presence {
    clock: Clock,
    /// The processes, as an operator counts them.
    configured: Option<NonZeroU32>,
    /// The processes, as far as the store is believed; 0 for never.
    instances: AtomicU32,
    counted: Mutex<Counted>,
    is_degraded: AtomicBool,
    degraded: Mutex<Degraded>,
}

#[derive(Debug, Default)]
struct Degraded {
    /// Nanoseconds of the times that are over.
    past: u64,
    /// Since when, if it is not over.
    since: Option<u64>,
}

impl Presence {
    pub(super) fn new(clock: Clock, configured: Option<NonZeroU32>) -> Self {
        Self {
            clock,
            configured,
            instances: AtomicU32::new(0),
            counted: Mutex::default(),
            is_degraded: AtomicBool::new(false),
            degraded: Mutex::default(),
        }
    }

    /// How many processes share the quotas; `None` where nobody has ever said.
    pub(super) fn instances(&self) -> Option<NonZeroU32> {
        let counted = || NonZeroU32::new(self.instances.load(Ordering::Relaxed));
        self.configured.or_else(counted)
    }

    /// How long the store was silent, all in all.
    pub(super) fn degraded(&self) -> Duration {
        let degraded = self.lock();
        let now = self.clock.monotonic_nanos();
        let current = degraded.since.map_or(0, |since| now.saturating_sub(since));
        Duration::from_nanos(degraded.past.saturating_add(current))
    }

    pub(super) fn is_degraded(&self) -> bool {
        self.is_degraded.load(Ordering::Relaxed)
    }

    /// It answered a sign of life: so many give one.
    pub(super) fn hear(&self, instances: u32) {
        let instances = self.counted().hear(instances);
        self.instances.store(instances, Ordering::Relaxed);
        self.end();
    }

    /// It did not answer a sign of life, nor a second one.
    pub(super) fn miss(&self) {
        self.counted().interrupt();
        self.begin();
    }

    /// The store did not answer.
    pub(super) fn begin(&self) {
        if self.is_degraded() {
            return;
        }
        let mut degraded = self.lock();
        if degraded.since.is_some() {
            return;
        }
        degraded.since = Some(self.clock.monotonic_nanos());
        self.is_degraded.store(true, Ordering::Relaxed);
        drop(degraded);
        tracing::error!(
            event = "sys_limits_degraded",
            "the shared store does not answer: quotas are refused or divided, as `outage` says"
        );
    }

    /// It answers a sign of life. A request's answer would end it too soon: with a store that is
    /// slow now and then, every other request would begin it again.
    pub(super) fn end(&self) {
        let mut degraded = self.lock();
        let Some(since) = degraded.since.take() else {
            return;
        };
        let lasted = self.clock.monotonic_nanos().saturating_sub(since);
        degraded.past = degraded.past.saturating_add(lasted);
        self.is_degraded.store(false, Ordering::Relaxed);
        drop(degraded);
        let seconds = Duration::from_nanos(lasted).as_secs_f32();
        tracing::info!(
            event = "sys_limits_restored",
            seconds,
            "the shared store answers: quotas are counted together again"
        );
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whole between two statements, so a panic leaves it usable.
    fn lock(&self) -> MutexGuard<'_, Degraded> {
        self.degraded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives signs of life until nobody is interested any more.
pub(super) async fn beat(server: Arc<Server>, presence: Weak<Presence>) {
    let key = [server.name("limit:instances")];
    let arguments = [random_id(), GONE_AFTER.to_string()];
    let mut failed = 0_u32;
    loop {
        let counted: Result<u32, _> = server.run(&BEAT, &key, &arguments, QUESTION).await;
        let Some(presence) = presence.upgrade() else {
            return;
        };
        match counted {
            Ok(instances) => {
                failed = 0;
                presence.hear(instances);
            }
            Err(_) => {
                failed += 1;
                // One slow answer is no fault, nor is a start.
                if failed > 1 {
                    presence.miss();
                }
            }
        }
        drop(presence);
        sleep(match failed {
            0 => BEAT_INTERVAL,
            _ => RETRY_INTERVAL,
        })
        .await;
    }
}
