//! How long a refusal takes, so that its time does not tell whether a password was checked.
//!
//! An attempt that is refused without a check waits for as long as one of the last checks took
//! that failed, which chance chooses. It does not compute meanwhile: a refusal must cost less
//! than the check that it spares. All failed answers leave at whole steps of time, checked or
//! not, because a timer is less exact than a computation.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use aws_lc_rs::rand;

use crate::clock::Clock;

/// How many checks are remembered.
const REMEMBERED: usize = 64;
/// What a check takes before one was seen: about what a good password hash does.
const USUAL: Duration = Duration::from_millis(250);
/// A handler that hung must not make refused requests hang.
const LONGEST: Duration = Duration::from_secs(5);
/// Longer than a timer is off, shorter than anybody notices.
const STEP: u128 = 10;

/// The pace of one handler.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    times: Vec<Duration>,
    next: usize,
}

/// When an attempt began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start(u64);

impl Start {
    pub(super) fn now(clock: &Clock) -> Self {
        Self(clock.monotonic_nanos())
    }

    fn elapsed(self, clock: &Clock) -> Duration {
        Duration::from_nanos(clock.monotonic_nanos().saturating_sub(self.0))
    }
}

impl Pace {
    /// Ends an attempt whose password was checked and was wrong.
    pub(super) async fn checked(&self, start: Start, clock: &Clock) {
        let elapsed = start.elapsed(clock);
        let whole = step(elapsed);
        self.note(whole);
        clock.sleep(whole - elapsed).await;
    }

    /// Ends an attempt whose password was not checked.
    pub(super) async fn unchecked(&self, start: Start, clock: &Clock) {
        let whole = self.choose();
        clock
            .sleep(whole.saturating_sub(start.elapsed(clock)))
            .await;
    }

    fn note(&self, time: Duration) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let time = time.min(LONGEST);
        let next = seen.next;
        match seen.times.get_mut(next) {
            Some(oldest) => *oldest = time,
            None => seen.times.push(time),
        }
        seen.next = (next + 1) % REMEMBERED;
    }

    fn choose(&self) -> Duration {
        let mut chance = [0; 8];
        // Without randomness it is the first: nothing hangs on it but the spread.
        let _ = rand::fill(&mut chance);
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = u64::from_ne_bytes(chance) as usize % seen.times.len().max(1);
        seen.times.get(place).copied().unwrap_or(USUAL)
    }
}

/// The next whole step; not this one, or what takes no time would take none.
fn step(time: Duration) -> Duration {
    let steps = time.as_millis() / STEP + 1;
    Duration::from_millis(u64::try_from(steps * STEP).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_steps() {
        for (time, whole) in [(0, 10), (9, 10), (10, 20), (11, 20), (253, 260)] {
            let time = Duration::from_millis(time);
            assert_eq!(step(time), Duration::from_millis(whole));
        }
    }

    /// G7: a refusal lasts as long as one of the last 64 checks that failed.
    #[actix_web::test]
    async fn g7_a_refusal_takes_as_long_as_a_check_did() {
        let (clock, hand) = Clock::manual();
        let pace = Pace::default();
        let refused = async || {
            let before = hand.slept();
            pace.unchecked(Start::now(&clock), &clock).await;
            hand.slept() - before
        };
        assert_eq!(refused().await, USUAL);
        for time in 0..100_u64 {
            let start = Start::now(&clock);
            hand.advance(Duration::from_millis(100 + time * 10));
            pace.checked(start, &clock).await;
        }
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..2000 {
            seen.insert(refused().await.as_millis());
        }
        assert!(
            seen.iter().all(|time| (470..=1100).contains(time)),
            "{seen:?}"
        );
        assert!(seen.len() > 50, "{seen:?}");
        // What the refusal itself has taken is part of it.
        let start = Start::now(&clock);
        hand.advance(Duration::from_secs(4));
        let before = hand.slept();
        pace.unchecked(start, &clock).await;
        assert_eq!(hand.slept(), before);
    }

    /// A handler that hung does not make refusals hang.
    #[actix_web::test]
    async fn no_refusal_takes_longer_than_the_bound() {
        let (clock, hand) = Clock::manual();
        let pace = Pace::default();
        let start = Start::now(&clock);
        hand.advance(Duration::from_secs(3600));
        pace.checked(start, &clock).await;
        let before = hand.slept();
        pace.unchecked(Start::now(&clock), &clock).await;
        assert_eq!(hand.slept() - before, LONGEST);
    }
}
