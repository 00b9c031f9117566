//! The only source of time in this crate.
//!
//! Everything that compares times takes a [`Clock`], so that tests move time by hand and never
//! wait for it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Tells wall-clock time, for tokens, and monotonic time, for limits.
///
/// ```
/// use std::time::Duration;
/// use secure_runtime::Clock;
///
/// let (clock, hand) = Clock::manual();
/// let before = clock.unix_seconds();
/// hand.advance(Duration::from_secs(90));
/// assert_eq!(clock.unix_seconds(), before + 90);
/// ```
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    Manual(Arc<Manual>),
    System { started: Instant },
}

/// What a manual clock shows, and how long somebody would have slept by it; in nanoseconds.
#[derive(Debug, Default)]
struct Manual {
    now: AtomicU64,
    slept: AtomicU64,
}

/// A manual clock begins here: 2026-01-01T00:00:00Z.
const MANUAL_START: Duration = Duration::from_secs(1_767_225_600);

impl Clock {
    /// The clock of the operating system.
    pub fn system() -> Self {
        Self(Source::System {
            started: Instant::now(),
        })
    }

    /// A clock that stands still until its [`ClockHand`] moves it.
    pub fn manual() -> (Self, ClockHand) {
        let manual = Arc::new(Manual::default());
        (Self(Source::Manual(Arc::clone(&manual))), ClockHand(manual))
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub fn unix_seconds(&self) -> u64 {
        self.since_1970().as_secs()
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn unix_millis(&self) -> u64 {
        u64::try_from(self.since_1970().as_millis()).unwrap_or(u64::MAX)
    }

    fn since_1970(&self) -> Duration {
        match &self.0 {
            Source::Manual(manual) => {
                MANUAL_START + Duration::from_nanos(manual.now.load(Ordering::Relaxed))
            }
            // A system clock before 1970 makes every token one that is not valid yet.
            Source::System { .. } => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
        }
    }

    /// Nanoseconds since the clock was made; never goes back.
    pub fn monotonic_nanos(&self) -> u64 {
        match &self.0 {
            Source::Manual(manual) => manual.now.load(Ordering::Relaxed),
            Source::System { started } => {
                u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX)
            }
        }
    }

    /// Waits. By a manual clock nobody does: its hand notes for how long it would have been.
    pub(crate) async fn sleep(&self, time: Duration) {
        match &self.0 {
            Source::Manual(manual) => {
                manual.slept.fetch_add(nanos(time), Ordering::Relaxed);
            }
            Source::System { .. } => tokio::time::sleep(time).await,
        }
    }
}

/// Moves a manual [`Clock`].
#[derive(Clone, Debug)]
pub struct ClockHand(Arc<Manual>);

impl ClockHand {
    /// Moves every clock that belongs to this hand forward.
    pub fn advance(&self, by: Duration) {
        self.0.now.fetch_add(nanos(by), Ordering::Relaxed);
    }

    /// How long, in all, answers were held back on purpose, had this been a real clock: those of
    /// logins are.
    pub fn slept(&self) -> Duration {
        Duration::from_nanos(self.0.slept.load(Ordering::Relaxed))
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
