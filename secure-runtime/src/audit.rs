//! What the log says of a refusal: why, of which handler, and nothing that a client sent.
//!
//! Each refusal is one event. Of those that a flood makes by the thousand a second (a quota is used
//! up, there is no room) the 1st, 10th, 100th .. of a route and minute is: that says how many there
//! were and when, and does not fill the disk.

use std::{
    collections::HashMap,
    ptr,
    sync::{Mutex, PoisonError},
};

use foldhash::fast::RandomState;
use tracing::Level;

use crate::{
    clock::Clock,
    policy::Policy,
    rejection::{Refusal, Rejection},
};

const TARGET: &str = "secure_runtime::audit";

const NANOS_PER_MINUTE: u64 = 60_000_000_000;

/// How often each route has refused for one of the reasons that are counted; one for a process. No
/// client chooses what is hashed here.
#[derive(Debug, Default)]
pub(crate) struct Floods(Mutex<HashMap<(usize, Refusal), Flood, RandomState>>);

/// The refusals of one minute.
#[derive(Debug, Default)]
struct Flood {
    minute: u64,
    count: u64,
}

impl Floods {
    /// Counts a refusal; the number that it has in its minute.
    fn count(&self, refusal: Refusal, policy: &'static Policy, clock: &Clock) -> u64 {
        let minute = clock.monotonic_nanos() / NANOS_PER_MINUTE;
        // By the address of the policy, which is its identity: it is a static. So there are as many
        // as a program has routes.
        let key = (ptr::from_ref(policy).addr(), refusal);
        let mut floods = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let flood = floods.entry(key).or_default();
        if flood.minute != minute {
            *flood = Flood { minute, count: 0 };
        }
        flood.count += 1;
        flood.count
    }
}

/// Logs a refusal, unless it is one of a flood; `counted` is where these are counted.
pub(crate) fn log(
    rejection: &Rejection,
    policy: &'static Policy,
    counted: Option<(&Floods, &Clock)>,
) {
    let refusal = rejection.refusal();
    let count = match (refusal, counted) {
        // The list of bans logs some of them: a banned flood must not become one of the log.
        (Refusal::Banned, _) => return,
        // Where nobody listens nothing needs to be counted.
        (Refusal::QuotaExceeded | Refusal::Overloaded, Some((floods, clock))) if tracing::enabled!(target: TARGET, Level::ERROR) => {
            Some(floods.count(refusal, policy, clock))
        }
        _ => None,
    };
    if count.is_some_and(|count| !is_power_of_ten(count)) {
        return;
    }
    let (event, status) = (rejection.event(), refusal.status().as_u16());
    let (handler, reason) = (policy.handler, rejection.reason());
    let quotas = rejection.violated_policies();
    if status >= 500 {
        tracing::error!(target: TARGET, event, status, handler, reason, count);
    } else if let Some(account) = rejection.account() {
        tracing::warn!(target: TARGET, event, status, handler, reason, account, count);
    } else if quotas.is_empty() {
        tracing::warn!(target: TARGET, event, status, handler, reason, count);
    } else {
        tracing::warn!(target: TARGET, event, status, handler, reason, ?quotas, count);
    }
}

/// Whether the refusal of this number is logged.
pub(crate) fn is_power_of_ten(number: u64) -> bool {
    number > 0 && 10_u64.pow(number.ilog10()) == number
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn of_a_flood_of_refusals_few_are_logged() {
        let logged = (1..=1_000_000).filter(|number| is_power_of_ten(*number));
        assert_eq!(
            logged.collect::<Vec<_>>(),
            [1, 10, 100, 1000, 10_000, 100_000, 1_000_000]
        );
        assert!(!is_power_of_ten(0));
    }

    #[test]
    fn each_route_and_reason_is_counted_apart_and_anew_each_minute() {
        let (floods, (clock, hand)) = (Floods::default(), Clock::manual());
        let policy = || crate::limit::tests::policy(Vec::new());
        let (one, other) = (policy(), policy());
        let count = |refusal, policy| floods.count(refusal, policy, &clock);
        for number in 1..=3 {
            assert_eq!(count(Refusal::QuotaExceeded, one), number);
        }
        assert_eq!(count(Refusal::Overloaded, one), 1);
        assert_eq!(count(Refusal::QuotaExceeded, other), 1);
        hand.advance(Duration::from_secs(59));
        assert_eq!(count(Refusal::QuotaExceeded, one), 4);
        hand.advance(Duration::from_secs(1));
        assert_eq!(count(Refusal::QuotaExceeded, one), 1);
    }
}
