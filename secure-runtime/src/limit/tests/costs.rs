//! Requests that cost more than one unit, and charges after the fact.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use futures_util::FutureExt;

use crate::limit::subject::EVERYBODY;

use super::{
    gcra::{random_quota, random_step},
    *,
};

/// A quota and a cost that it can pay.
fn random_costly(random: &mut Random, per: Per) -> (u32, Quota) {
    let quota = random_quota(random, per);
    let cost = match random.below(4) {
        0 => quota.burst,
        _ => 1 + random.below(u64::from(quota.burst)) as u32,
    };
    (cost, quota)
}

fn later(bench: &Bench, policy: &'static Policy, units: u32) -> u64 {
    let route = bench.limiter.route(policy).unwrap();
    let caller = Caller {
        network: address(1).network(crate::address::Ipv6Prefix::default()),
        identity: None,
    };
    // In memory it waits for nothing.
    let charged = bench.limiter.charge_later(route, caller, units);
    charged.now_or_never().unwrap()
}

#[test]
fn l9_agrees_with_the_book_at_any_cost_and_with_debts() {
    let mut random = Random(11);
    let (mut in_debt, mut at_the_bound) = (0, 0);
    for _ in 0..2_000 {
        let per = [Per::Ip, Per::Route][random.below(2) as usize];
        let (cost, quota) = random_costly(&mut random, per);
        let policy = costly(cost, vec![quota]);
        let bench = Bench::new(100);
        bench.advance(random.any_size(1 << 60));
        let mut oracle = Oracle::of_cost(cost, &quota);
        for _ in 0..60 {
            bench.advance(random_step(&mut random, &quota) * (1 + random.below(u64::from(cost))));
            if random.below(10) == 0 {
                bench.limiter.tables.sweep(bench.now(), || true);
            }
            if random.below(6) == 0 {
                let units = random.any_size(u64::from(quota.burst) * 3) as u32;
                let wait = later(&bench, policy, units);
                oracle.charge_later(units, bench.now());
                assert_eq!(wait, oracle.wait(bench.now()), "{cost} of {quota:?}");
                let burst = u64::from(quota.burst) * quota.interval_nanos();
                let cost = u64::from(cost) * quota.interval_nanos();
                in_debt += u32::from(wait > cost);
                at_the_bound += u32::from(wait == burst + cost);
                continue;
            }
            let wait = oracle.wait(bench.now());
            match bench.request(policy, address(1), None) {
                Ok(charges) => {
                    assert_eq!(wait, 0, "{cost} of {quota:?}");
                    let (remaining, next) = oracle.charge(bench.now());
                    let limit = &bench.limiter.route_of(&charges).unwrap().limits[0];
                    let paid = charges.iter().next().unwrap().paid;
                    assert_eq!(
                        (paid.remaining, limit.shape.until_next(paid)),
                        (remaining, next)
                    );
                }
                Err(rejection) => {
                    assert!(wait > 0, "{cost} of {quota:?}");
                    assert_eq!(Told::by(&rejection).retry_after(), wait.div_ceil(SECOND));
                }
            }
        }
    }
    assert!(
        in_debt > 1_000 && at_the_bound > 100,
        "{in_debt} {at_the_bound}"
    );
}

#[test]
fn l10_no_window_holds_more_units_than_the_bound() {
    let mut random = Random(12);
    let mut tight = 0;
    for _ in 0..300 {
        let (cost, quota) = random_costly(&mut random, Per::Ip);
        let policy = costly(cost, vec![quota]);
        let bench = Bench::new(100);
        let mut admitted = Vec::new();
        for _ in 0..150 {
            let step = random_step(&mut random, &quota);
            bench.advance(step * (1 + random.below(u64::from(cost))));
            if bench.request(policy, address(1), None).is_ok() {
                admitted.push(bench.now());
            }
        }
        for (first, start) in admitted.iter().enumerate() {
            for (last, end) in admitted.iter().enumerate().skip(first) {
                let count = (last - first + 1) as u64;
                let units = u64::from(quota.burst) + (end - start) / quota.interval_nanos();
                let bound = units / u64::from(cost);
                assert!(count <= bound, "{count} > {bound}: {cost} of {quota:?}");
                tight += u32::from(count == bound);
            }
        }
    }
    assert!(tight > 1_000, "{tight}");
}

#[test]
fn l2_waiting_as_long_as_told_succeeds_at_any_cost_and_less_does_not() {
    let mut random = Random(13);
    for round in 0..500 {
        let (cost, quota) = random_costly(&mut random, Per::Ip);
        let policy = costly(cost, vec![quota]);
        let bench = Bench::new(100);
        let refused = loop {
            match bench.request(policy, address(1), None) {
                Ok(_) => bench.advance(random.below(quota.interval_nanos() / 2 + 1)),
                Err(rejection) => break rejection,
            }
        };
        let mut told = Told::by(&refused).retry_after();
        // Half of them in debt.
        if round % 2 == 0 {
            later(
                &bench,
                policy,
                1 + random.below(2 * u64::from(quota.burst)) as u32,
            );
            let refused = bench.request(policy, address(1), None).unwrap_err();
            told = Told::by(&refused).retry_after();
        }
        if told > 1 {
            bench.advance((told - 1) * SECOND);
            assert!(bench.request(policy, address(1), None).is_err());
        }
        bench.advance(SECOND);
        let served = bench.request(policy, address(1), None);
        assert!(served.is_ok(), "{cost} of {quota:?}");
    }
}

#[test]
fn l13_a_denial_gives_back_all_that_a_request_cost() {
    for (denying, per) in [
        (0, Per::User),
        (1, Per::User),
        (1, Per::Ip),
        (0, Per::Route),
    ] {
        let burst = |place| if place == denying { 7 } else { 70 };
        let quotas = vec![
            quota(1, 100, burst(0), per),
            quota(1, 100, burst(1), Per::Ip),
        ];
        let policy = costly(7, quotas);
        let bench = Bench::new(100);
        let ann = user("ann");
        assert!(bench.request(policy, address(1), Some(&ann)).is_ok());
        for _ in 0..20 {
            let refused = bench.request(policy, address(1), Some(&ann)).unwrap_err();
            assert_eq!(Told::by(&refused).retry_after(), 700);
        }
        bench.advance(700 * SECOND);
        let charges = bench.request(policy, address(1), Some(&ann)).unwrap();
        for charge in charges.iter() {
            let left = if charge.quota == denying { 0 } else { 63 };
            assert_eq!(charge.paid.remaining, left, "{denying} denies {per:?}");
        }
    }
}

#[test]
fn a_late_refund_gives_back_no_more_than_has_not_come_back() {
    let policy = costly(
        5,
        vec![quota(1, 1, 10, Per::Ip), quota(1, 100, 5, Per::User)],
    );
    let ann = user("ann");
    for (seconds, left) in [(0, 5), (3, 5), (5, 5), (60, 5)] {
        let bench = Bench::new(100);
        assert!(bench.request(policy, address(2), Some(&ann)).is_ok());
        let mut charges = bench.charge_ip(policy, address(1)).unwrap();
        bench.advance(seconds * SECOND);
        let refused = bench.limiter.charge_caller(&mut charges, Some(&ann));
        assert!(refused.is_err());
        // As good as new, and not better.
        let charges = bench.charge_ip(policy, address(1)).unwrap();
        assert_eq!(charges.iter().next().unwrap().paid.remaining, left);
    }
}

#[test]
fn a_cost_that_can_never_be_paid_is_refused() {
    let bench = Bench::new(100);
    for (cost, quotas) in [
        (0, vec![quota(1, 60, 1, Per::Ip)]),
        (2, vec![quota(1, 60, 1, Per::Ip)]),
        (
            6,
            vec![quota(1, 60, 9, Per::Ip), quota(1, 60, 5, Per::User)],
        ),
    ] {
        let policy = costly(cost, quotas);
        let prepared = bench.limiter.prepare(policy).unwrap_err();
        assert_eq!(prepared.refusal(), Refusal::NotConfigured);
        let refused = bench.request(policy, address(1), None).unwrap_err();
        assert_eq!(refused.refusal(), Refusal::NotConfigured);
    }
}

#[test]
fn l3_fields_count_units_and_what_was_charged_later() {
    let mut named = quota(100, 100, 100, Per::Ip);
    named.name = "a";
    let policy = costly(5, vec![named]);
    let bench = Bench::new(100);
    let mut charges = bench.request(policy, address(1), None).unwrap();
    let (stated, state) = bench.limiter.fields(&charges).unwrap();
    assert_eq!(
        (stated.to_str().unwrap(), state.to_str().unwrap()),
        (r#""a";q=100;w=100"#, r#""a";r=95;t=1"#)
    );
    let charged = charges.later();
    for (units, expected) in [
        (0, r#""a";r=95;t=1"#),
        (40, r#""a";r=55;t=1"#),
        (95, r#""a";r=0;t=1"#),
        // Five are owed, and the sixth is the first of its own.
        (100, r#""a";r=0;t=6"#),
        (195, r#""a";r=0;t=101"#),
        (u64::MAX, r#""a";r=0;t=101"#),
    ] {
        charged.store(units, Ordering::Relaxed);
        assert_eq!(
            bench.limiter.fields(&charges).unwrap().1,
            expected,
            "{units}"
        );
    }
}

#[test]
fn a_debt_is_at_most_one_burst_however_much_is_charged() {
    let policy = costly(2, vec![quota(10, 10, 10, Per::Ip)]);
    let bench = Bench::new(100);
    bench.request(policy, address(1), None).unwrap();
    for _ in 0..5 {
        // Ten are owed beyond the ten that may be, and the next request wants two.
        assert_eq!(later(&bench, policy, u32::MAX), 12 * SECOND);
    }
    bench.advance(12 * SECOND - 1);
    assert!(bench.request(policy, address(1), None).is_err());
    bench.advance(1);
    assert!(bench.request(policy, address(1), None).is_ok());
    assert!(bench.request(policy, address(2), None).is_ok());
}

#[test]
fn the_largest_numbers_do_not_overflow() {
    // The largest time of a full burst, near the end of time.
    let bucket = |table| {
        let largest = quota(1, 1 << 22, 1 << 10, Per::Ip);
        bucket::Bucket::<()>::new(&largest, 0, table).unwrap()
    };
    let most = NonZeroU32::new(1 << 10).unwrap();
    for table in [None, Some(Arc::new(Table::new(9)))] {
        let bucket = bucket(table);
        let end = 1 << 62;
        for _ in 0..3 {
            bucket.charge_later(EVERYBODY, u32::MAX, end);
        }
        let full = (1_u64 << 32) * SECOND;
        assert_eq!(bucket.wait(EVERYBODY, most, end), 2 * full);
        // The bucket's own clock has not moved: the wait is told from `end` all the same.
        assert_eq!(bucket.charge(EVERYBODY, most, end), Err(2 * full));
    }
}

#[test]
fn a_debt_where_there_is_no_room_is_that_of_all_newcomers() {
    let policy = policy(vec![quota(1, 1, 1, Per::Ip)]);
    let bench = Bench::new(1);
    bench.request(policy, address(2), None).unwrap();
    assert_eq!(later(&bench, policy, 2), 2 * SECOND);
    assert!(bench.request(policy, address(3), None).is_err());
    bench.advance(SECOND);
    assert!(bench.request(policy, address(2), None).is_ok());
    assert!(bench.request(policy, address(3), None).is_err());
}

#[test]
fn l12_many_threads_spend_exactly_what_there_is() {
    let policy = costly(3, vec![quota(1_000, 3_600, 1_000, Per::Ip)]);
    let bench = Bench::new(100);
    let spent = AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..100 {
                    if bench.request(policy, address(1), None).is_ok() {
                        spent.fetch_add(3, Ordering::Relaxed);
                    }
                    later(&bench, policy, 1);
                    spent.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    // 800 later, and as many admitted as were left at the time; what is owed is what was spent.
    let spent = u64::from(spent.into_inner());
    let interval = 3_600 * SECOND / 1_000;
    assert_eq!(later(&bench, policy, 0), (spent + 3 - 1_000) * interval);
}
