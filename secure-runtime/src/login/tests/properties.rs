//! Whatever happens in whatever order, too few are better than too many.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::{admitted, subject, usual, with_device};
use crate::{
    clock::Clock,
    login::{
        memory::Memory,
        rules::{Outcome, Rules},
    },
};

/// What a step does.
#[derive(Clone, Debug)]
enum Step {
    Wait(u32),
    /// An attempt from a network; the outcome follows later, or never.
    Attempt(u64),
    /// The oldest open attempt is taken back.
    TakeBack,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_u32..120_000).prop_map(Step::Wait),
        (0_u64..6).prop_map(Step::Attempt),
        (0_u64..6).prop_map(Step::Attempt),
        Just(Step::TakeBack),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// G1: in any window at most so many attempts are checked and not taken back, from however
    /// many networks, whatever else is going on.
    #[test]
    fn g1_no_window_holds_more_than_the_number(
        steps in proptest::collection::vec(step(), 1..200),
        attempts in 1_usize..8,
        window in 1_u64..600_000,
        lock in 1_u64..600_000,
    ) {
        let mut rules = Rules { attempts, window, lock, ..usual() };
        rules.limits.free_failures = 90;
        let (clock, hand) = Clock::manual();
        let memory = Memory::new(clock, rules.limits, 10_000);
        let mut open = VecDeque::new();
        let mut checked = Vec::new();
        let mut now = 0;
        for step in steps {
            match step {
                Step::Wait(millis) => {
                    hand.advance(std::time::Duration::from_millis(millis.into()));
                    now += u64::from(millis);
                }
                Step::Attempt(network) => {
                    let subject = subject(1, network);
                    if let Some(reservation) = admitted(memory.reserve(&subject, &rules)) {
                        open.push_back((subject, reservation, now));
                        checked.push(now);
                    }
                }
                Step::TakeBack => {
                    if let Some((subject, reservation, at)) = open.pop_front() {
                        memory.settle(&subject, &reservation, Outcome::Neither);
                        let place = checked.iter().rposition(|known| *known == at).unwrap();
                        checked.remove(place);
                    }
                }
            }
            for first in &checked {
                let within = checked.iter().filter(|at| **at >= *first && **at < first + window);
                prop_assert!(within.count() <= attempts);
            }
        }
    }

    /// G1, G6: with any number of devices and successes of theirs, never more than so many
    /// failures in a row.
    #[test]
    fn g1_never_more_than_so_many_in_a_row(
        attempts in proptest::collection::vec((0_u64..4, 0_u64..40, 0_u32..10_000_000), 200..400),
    ) {
        let mut rules = Rules { attempts: 100, window: 1, lock: 1, ..usual() };
        rules.limits.disable_after = 10;
        let (clock, hand) = Clock::manual();
        let memory = Memory::new(clock.clone(), rules.limits, 10_000);
        let mut in_a_row = 0;
        for (device, chance, wait) in attempts {
            hand.advance(std::time::Duration::from_millis(wait.into()));
            let mut subject = subject(1, device);
            if device > 1 {
                subject = with_device(subject, 1, device, clock.unix_millis());
            }
            let Some(reservation) = admitted(memory.reserve(&subject, &rules)) else {
                continue;
            };
            in_a_row += 1;
            prop_assert!(in_a_row <= 10);
            if chance == 0 {
                memory.settle(&subject, &reservation, Outcome::Success);
                in_a_row = 0;
            }
        }
    }
}
