//! Each rule, and the moment at which it ends.

use super::{MINUTE, START, STRANGER, fail, patient, usual};
use crate::login::rules::{Attempt, DISABLED_KEPT, KEPT, Outcome, Reason, Records, Rules, Verdict};

/// The lock ends to the millisecond: after the lock, or with the window where that is later.
#[test]
fn locks_end() {
    for (lock, step, until) in [
        // From the last failure on.
        (30 * MINUTE, MINUTE, 4 * MINUTE + 30 * MINUTE),
        // The window is longer than the lock.
        (MINUTE, 1000, 15 * MINUTE),
    ] {
        let rules = Rules { lock, ..usual() };
        let mut records = Records::default();
        for number in 0..5 {
            let reservation = fail(&mut records, &rules, START + number * step);
            assert_eq!(reservation.locks, number == 4);
            assert_eq!(u64::from(reservation.failures), number);
        }
        for (now, expected) in [
            (START + 5 * step, Some(Reason::Locked)),
            (START + until - 1, Some(Reason::Locked)),
            (START + until, None),
        ] {
            let verdict = records.clone().reserve(STRANGER, &rules, now);
            let reason = match verdict {
                Verdict::Admitted(_) => None,
                Verdict::Refused(reason) => Some(reason),
            };
            assert_eq!(reason, expected, "{}", now - START);
        }
    }
}

/// What is refused changes nothing.
#[test]
fn a_refusal_leaves_no_trace() {
    let rules = usual();
    let mut records = Records::default();
    for _ in 0..5 {
        fail(&mut records, &rules, START);
    }
    let before = format!("{records:?}");
    for number in 0..1000 {
        let now = START + number;
        let verdict = records.reserve(STRANGER, &rules, now);
        assert_eq!(verdict, Verdict::Refused(Reason::Locked));
    }
    assert_eq!(format!("{records:?}"), before);
}

#[test]
fn delays_grow_up_to_the_greatest() {
    let limits = usual().limits;
    let mut records = Records::default();
    let mut now = START;
    for failures in 1..=100_u32 {
        let reservation = fail(&mut records, &patient(), now);
        assert_eq!(reservation.disables, failures == 100);
        let expected = match failures {
            0..=4 => 0,
            5..=16 => 1000 << (failures - 5),
            _ => 60 * MINUTE,
        };
        let too_soon =
            records
                .clone()
                .reserve(STRANGER, &patient(), (now + expected).saturating_sub(1));
        if expected > 0 && failures < 100 {
            assert_eq!(too_soon, Verdict::Refused(Reason::Delayed), "{failures}");
        }
        now += expected.max(2 * MINUTE);
    }
    // Until the record itself is forgotten.
    for later in [0, KEPT, 365 * KEPT] {
        let verdict = records.clone().reserve(STRANGER, &patient(), now + later);
        assert_eq!(verdict, Verdict::Refused(Reason::Disabled));
    }
    assert_eq!(limits.disable_after, 100);
    fail(&mut records, &patient(), now + DISABLED_KEPT);
}

/// What is remembered of few failures ends after a day.
#[test]
fn a_few_failures_are_forgotten_after_a_day() {
    let mut records = Records::default();
    for _ in 0..4 {
        fail(&mut records, &patient(), START);
    }
    let last = fail(&mut records.clone(), &patient(), START + KEPT - 1);
    assert_eq!(last.failures, 4);
    let first = fail(&mut records, &patient(), START + KEPT);
    assert_eq!(first.failures, 0);
}

/// Of an attempt that is taken back nothing counts; its account fails no longer ago, at most.
#[test]
fn what_is_taken_back_was_never_there() {
    let rules = usual();
    for before in 0..5 {
        let mut records = Records::default();
        for number in 0..before {
            fail(&mut records, &rules, START + number);
        }
        let counted = |records: &mut Records| {
            for accounts in [&mut records.network.accounts, &mut records.password] {
                accounts.0.iter_mut().for_each(|failing| failing.last = 0);
            }
            format!("{records:?}")
        };
        let expected = counted(&mut records.clone());
        let reservation = fail(&mut records, &rules, START + 10);
        assert_ne!(counted(&mut records.clone()), expected);
        records.settle(
            STRANGER,
            &rules.limits,
            &reservation,
            Outcome::Neither,
            START + 11,
        );
        assert_eq!(counted(&mut records), expected, "{before}");
    }
}

/// One that was cleared meanwhile is not taken back twice.
#[test]
fn what_was_cleared_is_not_taken_back() {
    let rules = usual();
    let mut records = Records::default();
    let slow = fail(&mut records, &rules, START);
    let right = fail(&mut records, &rules, START + 1);
    records.settle(STRANGER, &rules.limits, &right, Outcome::Success, START + 2);
    fail(&mut records, &rules, START + 3);
    records.settle(STRANGER, &rules.limits, &slow, Outcome::Neither, START + 4);
    assert_eq!(records.account.count, 1);
    assert_eq!(records.account.log, [START + 3]);
}

/// A device that is known neither lengthens the lock of others nor frees a place in it.
#[test]
fn a_known_device_leaves_the_lock_of_others_alone() {
    let rules = usual();
    let owner = Attempt {
        device: Some(START - 1),
        ..STRANGER
    };
    let mut records = Records::default();
    for number in 0..5 {
        fail(&mut records, &rules, START + number);
    }
    let locked_until = records.account.locked_until(&rules);
    for number in 0..5 {
        let now = START + MINUTE + number * 10_000;
        let Verdict::Admitted(reservation) = records.reserve(owner, &rules, now) else {
            panic!("the owner is locked out");
        };
        assert!(reservation.known_device);
        if number == 4 {
            records.settle(owner, &rules.limits, &reservation, Outcome::Neither, now);
        }
    }
    assert_eq!(records.account.locked_until(&rules), locked_until);
    // All of them count in a row: 5 strangers' and 4 of the owner.
    assert_eq!(records.account.count, 9);
    assert_eq!(records.device.count, 4);
}

/// Who has an account of his own cannot end the alarm by logging in to it.
#[test]
fn a_success_does_not_end_the_alarm() {
    let mut rules = patient();
    rules.limits.global_failures = 5;
    let mut guesser = Records::default();
    for number in 0..5 {
        fail(&mut guesser, &rules, START + number);
    }
    let mut owner = Records {
        everybody: guesser.everybody.clone(),
        ..Records::default()
    };
    for number in 10..20 {
        let now = START + number;
        let reservation = fail(&mut owner, &rules, now);
        assert!(reservation.alarm, "{number}");
        owner.settle(STRANGER, &rules.limits, &reservation, Outcome::Success, now);
        guesser.everybody = owner.everybody.clone();
        let verdict = guesser.reserve(STRANGER, &rules, now);
        assert!(
            matches!(verdict, Verdict::Refused(Reason::Network { .. })),
            "{number}: {verdict:?}"
        );
    }
}

/// So many failures of a network that it is banned, each at another account.
fn fail_until_banned(records: &mut Records, rules: &Rules, attempt: Attempt, now: u64) {
    for number in 0..rules.limits.network_failures as u64 {
        let attempt = Attempt {
            account: 100 + number,
            has_password: false,
            ..attempt
        };
        records.account = Default::default();
        records.pair = Default::default();
        let verdict = records.reserve(attempt, rules, now);
        assert!(matches!(verdict, Verdict::Admitted(_)), "{verdict:?}");
    }
}

fn wait(records: &Records, rules: &Rules, attempt: Attempt, now: u64) -> Option<u64> {
    let mut records = Records {
        account: Default::default(),
        pair: Default::default(),
        password: Default::default(),
        ..records.clone()
    };
    match records.reserve(attempt, rules, now) {
        Verdict::Refused(Reason::Network { wait }) => Some(wait),
        Verdict::Refused(other) => panic!("{other:?}"),
        Verdict::Admitted(_) => None,
    }
}

/// G11: a network with too many failures is banned for a minute, then two, up to an hour; and a day
/// without a ban is forgotten.
#[test]
fn g11_bans_of_a_network_grow_and_are_forgotten() {
    let rules = patient();
    let mut records = Records::default();
    let mut now = START;
    for expected in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
        let ban = expected * MINUTE;
        fail_until_banned(&mut records, &rules, STRANGER, now);
        assert_eq!(wait(&records, &rules, STRANGER, now), Some(ban));
        assert_eq!(wait(&records, &rules, STRANGER, now + ban - 1), Some(1));
        assert_eq!(wait(&records, &rules, STRANGER, now + ban), None);
        assert!(!records.network.is_expired(&rules.limits, now + ban));
        now += ban;
    }
    for (later, expected) in [(KEPT - 1, 60 * MINUTE), (KEPT, MINUTE)] {
        let (mut records, now) = (records.clone(), now + later);
        fail_until_banned(&mut records, &rules, STRANGER, now);
        assert_eq!(wait(&records, &rules, STRANGER, now), Some(expected));
    }
    assert!(!records.network.is_expired(&rules.limits, now + KEPT - 1));
    assert!(records.network.is_expired(&rules.limits, now + KEPT));
}

/// A failure of the last minute is kept even where its account was taken back.
#[test]
fn a_network_is_kept_as_long_as_its_failures_count() {
    let rules = patient();
    let mut records = Records::default();
    let slow = fail(&mut records, &rules, START);
    let now = START + 61 * MINUTE;
    fail(&mut records, &rules, now);
    records.settle(STRANGER, &rules.limits, &slow, Outcome::Neither, now);
    assert!(records.network.accounts.0.is_empty());
    let is_expired = |now| records.network.is_expired(&rules.limits, now);
    assert!(!is_expired(now + MINUTE - 1));
    assert!(is_expired(now + MINUTE));
}

/// G11: this machine, a trusted proxy and who is not known are held up, and never for longer.
#[test]
fn g11_who_is_everybody_is_not_banned_for_longer() {
    let rules = patient();
    let everybody = Attempt {
        is_bannable: false,
        ..STRANGER
    };
    let mut records = Records::default();
    for number in 0..10 {
        let now = START + number * MINUTE;
        fail_until_banned(&mut records, &rules, everybody, now);
        assert_eq!(wait(&records, &rules, everybody, now), Some(MINUTE));
    }
}

/// An attempt that succeeds in the end was no failure, and takes a ban back that follows from it.
#[test]
fn a_ban_that_follows_from_a_success_is_taken_back() {
    let rules = patient();
    let mut records = Records::default();
    fail_until_banned(&mut records, &rules, STRANGER, START);
    let mut open = Records {
        network: records.network.clone(),
        ..Records::default()
    };
    open.network.log.pop_back();
    let last = fail(&mut open, &rules, START + 1);
    assert_eq!(
        wait(&open, &rules, STRANGER, START + 2),
        Some(MINUTE - 1),
        "while it is not known"
    );
    open.settle(STRANGER, &rules.limits, &last, Outcome::Success, START + 3);
    assert_eq!(wait(&open, &rules, STRANGER, START + 4), None);
    // It was no ban: the next one is the first.
    fail(&mut open, &rules, START + 5);
    assert_eq!(
        wait(&open, &rules, STRANGER, START + 6),
        Some(MINUTE - 1),
        "the first ban"
    );
}

/// G6: the ban of an address does not hold for a device that was let in before, and what fails
/// there is no failure of the address.
#[test]
fn g6_a_known_device_gets_in_from_a_banned_network() {
    let rules = usual();
    let owner = Attempt {
        device: Some(START - 1),
        ..STRANGER
    };
    let mut records = Records::default();
    fail_until_banned(&mut records, &rules, STRANGER, START);
    let before = records.network.clone();
    for number in 1..=5 {
        let now = START + number * 10_000;
        let verdict = records.reserve(owner, &rules, now);
        let Verdict::Admitted(reservation) = verdict else {
            panic!("{number}: {verdict:?}");
        };
        if number == 4 {
            records.settle(owner, &rules.limits, &reservation, Outcome::Neither, now);
        }
    }
    assert_eq!(records.network, before);
    let unknown = Attempt {
        account: 1000,
        ..STRANGER
    };
    assert!(wait(&records, &rules, unknown, START + 59_999).is_some());
}

/// By one clock, that of the records: a cookie of tomorrow is none, nor is one that is too old.
#[test]
fn g6_a_device_is_known_for_a_time_and_not_before_it_was_let_in() {
    let rules = usual();
    let age = rules.limits.device_max_age;
    for (issued, expected) in [
        (START, true),
        (START + 1, false),
        (START - age + 1, true),
        (START - age, false),
        (u64::MAX, false),
    ] {
        let owner = Attempt {
            device: Some(issued),
            ..STRANGER
        };
        let verdict = Records::default().reserve(owner, &rules, START);
        let Verdict::Admitted(reservation) = verdict else {
            panic!("{verdict:?}");
        };
        assert_eq!(reservation.known_device, expected, "{issued}");
    }
}
