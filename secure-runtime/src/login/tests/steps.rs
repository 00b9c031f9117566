//! A clock that is set back or forward, as that of a store may be: what runs ends by itself, and
//! what was forgiven opens nothing.

use super::{MINUTE, START, STRANGER, fail, patient, usual};
use crate::login::rules::{Attempt, Marks, Outcome, Reason, Records, Rules, Verdict};

const YEAR: u64 = 366 * 24 * 60 * MINUTE;

/// That the same attempt is refused from `now` on for `wait` and not for longer, however often it
/// is made meanwhile.
fn assert_ends(records: &mut Records, rules: &Rules, now: u64, wait: u64, reason: Reason) {
    for number in 0..10 {
        let now = now + number * (wait - 1) / 9;
        let verdict = records.reserve(STRANGER, rules, now);
        match (reason, verdict) {
            (Reason::Network { .. }, Verdict::Refused(Reason::Network { .. })) => {}
            _ => assert_eq!(verdict, Verdict::Refused(reason), "{number}"),
        }
    }
    fail(records, rules, now + wait);
}

/// G2: a lock that runs when the clock is set back ends after its length, from the first attempt on.
#[test]
fn g2_a_clock_that_is_set_back_makes_no_lock_longer() {
    let rules = usual();
    for back in [1, MINUTE, YEAR] {
        let mut records = Records::default();
        for _ in 0..5 {
            fail(&mut records, &rules, START + YEAR);
        }
        let now = START + YEAR - back;
        let wait = records.clone().state(&rules, now).wait;
        assert_eq!(wait, rules.lock);
        assert_ends(&mut records, &rules, now, rules.lock, Reason::Locked);
    }
}

#[test]
fn a_clock_that_is_set_back_makes_no_delay_longer() {
    let rules = patient();
    let mut records = Records::default();
    for number in 0..6 {
        fail(&mut records, &rules, START + YEAR + number * MINUTE);
    }
    assert_ends(&mut records, &rules, START, 2000, Reason::Delayed);
}

#[test]
fn a_clock_that_is_set_back_makes_no_ban_longer() {
    let mut rules = patient();
    (rules.limits.network_failures, rules.limits.free_failures) = (3, 10);
    let mut records = Records::default();
    for _ in 0..3 {
        fail(&mut records, &rules, START + YEAR);
    }
    let reason = Reason::Network { wait: 0 };
    assert_ends(&mut records, &rules, START, MINUTE, reason);
    // The next one is twice as long, as ever.
    for _ in 0..2 {
        fail(&mut records, &rules, START + MINUTE);
    }
    assert_ends(&mut records, &rules, START + MINUTE, 2 * MINUTE, reason);
}

#[test]
fn a_clock_that_is_set_back_makes_no_alarm_longer() {
    let mut rules = patient();
    rules.limits.global_failures = 2;
    let mut records = Records::default();
    for _ in 0..2 {
        fail(&mut records, &rules, START + YEAR);
    }
    assert!(!fail(&mut records, &rules, START).alarm);
    // It begins with so many failures, as ever.
    records.network = Default::default();
    fail(&mut records, &rules, START + 1);
    records.network = Default::default();
    assert!(fail(&mut records, &rules, START + 2).alarm);
}

/// G4: nor does a password stay refused that failed at many accounts, or a network that did.
#[test]
fn a_clock_that_is_set_back_keeps_no_failing_account_longer() {
    let mut rules = patient();
    rules.limits.password_accounts = 1;
    let hour = 60 * MINUTE;
    let mut records = Records::default();
    let other = Attempt {
        account: 2,
        ..STRANGER
    };
    let verdict = records.reserve(other, &rules, START + YEAR);
    assert!(matches!(verdict, Verdict::Admitted(_)));
    (records.account, records.pair) = Default::default();
    assert_ends(&mut records, &rules, START, hour, Reason::Password);

    rules.limits.password_accounts = 10;
    rules.limits.network_accounts = 1;
    let mut records = Records::default();
    let verdict = records.reserve(other, &rules, START + YEAR);
    assert!(matches!(verdict, Verdict::Admitted(_)));
    (records.account, records.pair) = Default::default();
    let reason = Reason::Network { wait: 0 };
    assert_ends(&mut records, &rules, START, hour, reason);
}

/// An account that was forgiven by a clock of tomorrow is locked today all the same.
#[test]
fn what_was_forgiven_before_the_clock_was_set_back_frees_nothing_after_it() {
    let rules = usual();
    let ahead = START + YEAR;
    for marks in [
        Marks {
            cleared: ahead,
            enabled: 0,
        },
        Marks {
            cleared: ahead,
            enabled: ahead,
        },
    ] {
        let mut records = Records {
            marks,
            ..Records::default()
        };
        for _ in 0..5 {
            fail(&mut records, &rules, START);
        }
        assert_ends(&mut records, &rules, START, rules.lock, Reason::Locked);
    }
}

/// What was forgiven stays so where both are set back.
#[test]
fn what_was_forgiven_stays_forgiven_when_the_clock_is_set_back() {
    let rules = usual();
    let mut records = Records::default();
    for _ in 0..5 {
        fail(&mut records, &rules, START + YEAR);
    }
    (records.marks.cleared, records.marks.enabled) = (START + YEAR, START + YEAR);
    let first = fail(&mut records, &rules, START);
    assert_eq!(first.failures, 0);
}

/// An attempt that waited for another one, and has the earlier time, has its free failures.
#[test]
fn an_attempt_of_a_moment_before_is_not_delayed() {
    let rules = usual();
    let mut records = Records::default();
    for number in 0..4 {
        let reservation = fail(&mut records, &rules, START - number);
        assert_eq!(u64::from(reservation.failures), number);
    }
    // The right password at last.
    let last = fail(&mut records, &rules, START - 4);
    records.settle(STRANGER, &rules.limits, &last, Outcome::Success, START - 5);
    assert_eq!(records.account.count, 0);
}

/// One that is taken back after the clock was set back still does not count in a row.
#[test]
fn what_is_taken_back_does_not_count_whatever_the_clock_says() {
    let rules = usual();
    let mut records = Records::default();
    for _ in 0..2 {
        fail(&mut records, &rules, START + YEAR);
    }
    let open = fail(&mut records, &rules, START + YEAR);
    records.settle(STRANGER, &rules.limits, &open, Outcome::Neither, START);
    assert_eq!((records.account.count, records.pair.count), (2, 2));
    // What it left in the log runs from now on.
    assert!(records.account.last <= START && records.pair.last <= START);
}

/// Forward: time that went by and time that was skipped are the same.
#[test]
fn a_clock_that_is_set_forward_ends_a_lock_by_as_much_sooner() {
    let rules = usual();
    let mut records = Records::default();
    for _ in 0..5 {
        fail(&mut records, &rules, START);
    }
    let before = START + rules.lock - 1;
    let verdict = records.reserve(STRANGER, &rules, before);
    assert_eq!(verdict, Verdict::Refused(Reason::Locked));
    fail(&mut records, &rules, before + 1);
}
