//! The records of one process: bounded, and changed in one step.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use super::{admitted, subject, usual};
use crate::{
    clock::Clock,
    login::{
        memory::Memory,
        rules::{Limits, Outcome, Reason, Verdict},
    },
};

fn wide() -> Limits {
    Limits {
        network_failures: 1_000_000,
        network_accounts: 1_000_000,
        global_failures: 1_000_000,
        ..usual().limits
    }
}

/// G5: threads that attempt together get as many as are allowed, and not one more.
#[test]
fn g5_many_threads_admit_exactly_the_number() {
    let rules = usual();
    for round in 0..50 {
        let memory = Memory::new(Clock::manual().0, rules.limits, 10_000);
        let checked = AtomicUsize::new(0);
        thread::scope(|scope| {
            for thread in 0..8 {
                let (memory, checked) = (&memory, &checked);
                scope.spawn(move || {
                    for number in 0..40 {
                        // Many networks, so that shards are locked in every order.
                        let subject = subject(round, thread * 40 + number);
                        if admitted(memory.reserve(&subject, &rules)).is_some() {
                            checked.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(checked.into_inner(), 5);
    }
}

/// However many accounts are tried, there are at most so many records, and what an attacker adds
/// pushes itself out before a longer streak.
#[test]
fn the_number_of_records_has_a_bound() {
    let mut rules = usual();
    rules.limits = wide();
    let (clock, hand) = Clock::manual();
    let memory = Memory::new(clock, rules.limits, 2_000);
    for _ in 0..5 {
        memory.reserve(&subject(0, 0), &rules);
    }
    for account in 1..100_000 {
        memory.reserve(&subject(account, account % 1000), &rules);
        hand.advance(Duration::from_millis(1));
        assert!(memory.len() <= 2_000, "{}", memory.len());
    }
    assert!(memory.len() > 1_900, "{}", memory.len());
    let verdict = memory.reserve(&subject(0, 0), &rules);
    assert_eq!(verdict, Verdict::Refused(Reason::Locked));
}

/// What a record costs, in a full table of the default size.
#[test]
fn a_record_takes_less_than_250_bytes() {
    let mut rules = usual();
    rules.limits = wide();
    let memory = Memory::new(Clock::manual().0, rules.limits, 1_000_000);
    for account in 0..400_000 {
        // A few from each network, and a few at some accounts.
        memory.reserve(&subject(account % 300_000, account / 10), &rules);
    }
    let (bytes, len) = (memory.bytes(), memory.len());
    assert!(len > 700_000, "{len}");
    assert!(bytes / len < 250, "{} of {len}", bytes / len);
}

/// What is over leaves nothing behind.
#[test]
fn a_success_leaves_the_network_only() {
    let rules = usual();
    let memory = Memory::new(Clock::manual().0, rules.limits, 1_000);
    let subject = subject(1, 1);
    let reservation = admitted(memory.reserve(&subject, &rules)).unwrap();
    assert_eq!(memory.len(), 3);
    memory.settle(&subject, &reservation, Outcome::Neither);
    assert_eq!(memory.len(), 0);
    let reservation = admitted(memory.reserve(&subject, &rules)).unwrap();
    memory.settle(&subject, &reservation, Outcome::Success);
    assert_eq!(memory.len(), 1);
}

/// Records that expired make room without being asked for.
#[test]
fn expired_records_go() {
    let mut rules = usual();
    rules.limits = wide();
    let (clock, hand) = Clock::manual();
    let memory = Memory::new(clock, rules.limits, 1_000_000);
    for account in 0..5_000 {
        memory.reserve(&subject(account, account), &rules);
    }
    let before = memory.len();
    assert_eq!(before, 15_000);
    hand.advance(Duration::from_secs(25 * 3600));
    for account in 5_000..15_000 {
        let subject = subject(account, account);
        let reservation = admitted(memory.reserve(&subject, &rules)).unwrap();
        memory.settle(&subject, &reservation, Outcome::Neither);
    }
    assert!(memory.len() < before / 4, "{}", memory.len());
}
