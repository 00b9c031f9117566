//! One quota: the arithmetic, its bound, time and threads.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use super::*;

pub(super) fn random_quota(random: &mut Random, per: Per) -> Quota {
    let limit = 1 + random.any_size(2_000) as u32;
    let period = 1 + random.any_size(86_400) as u32;
    let burst = match random.below(3) {
        0 => limit,
        _ => 1 + random.any_size(50) as u32,
    };
    quota(limit, period, burst, per)
}

/// Times between requests that make the edges likely.
pub(super) fn random_step(random: &mut Random, quota: &Quota) -> u64 {
    let interval = quota.interval_nanos();
    match random.below(8) {
        0..=3 => 0,
        4 => interval,
        5 => (interval - 1).max(1),
        6 => random.below(interval * 2),
        _ => random.any_size(interval * u64::from(quota.burst) * 2),
    }
}

#[test]
fn l9_agrees_with_the_book() {
    let mut random = Random(1);
    for _ in 0..2_000 {
        let per = [Per::Ip, Per::Route][random.below(2) as usize];
        let quota = random_quota(&mut random, per);
        let policy = policy(vec![quota]);
        let bench = Bench::new(100);
        bench.advance(random.any_size(1 << 60));
        let mut oracle = Oracle::new(&quota);
        for _ in 0..60 {
            bench.advance(random_step(&mut random, &quota));
            if random.below(10) == 0 {
                bench.limiter.tables.sweep(bench.now(), || true);
            }
            let wait = oracle.wait(bench.now());
            match bench.request(policy, address(1), None) {
                Ok(charges) => {
                    assert_eq!(wait, 0, "{quota:?}");
                    let (remaining, next) = oracle.charge(bench.now());
                    let label = &bench.limiter.route_of(&charges).unwrap().limits[0];
                    let paid = charges.iter().next().unwrap().paid;
                    assert_eq!(
                        (paid.remaining, label.shape.until_next(paid)),
                        (remaining, next)
                    );
                }
                Err(rejection) => {
                    assert!(wait > 0, "{quota:?}");
                    assert_eq!(Told::by(&rejection).retry_after(), wait.div_ceil(SECOND));
                }
            }
        }
    }
}

#[test]
fn l10_no_window_holds_more_than_the_bound() {
    let mut random = Random(2);
    for _ in 0..300 {
        let quota = random_quota(&mut random, Per::Ip);
        let policy = policy(vec![quota]);
        let bench = Bench::new(100);
        let mut admitted = Vec::new();
        for _ in 0..150 {
            bench.advance(random_step(&mut random, &quota));
            if bench.request(policy, address(1), None).is_ok() {
                admitted.push(bench.now());
            }
        }
        assert_bound(&quota, &admitted);
    }
}

pub(super) fn assert_bound(quota: &Quota, admitted: &[u64]) {
    for (first, start) in admitted.iter().enumerate() {
        for (last, end) in admitted.iter().enumerate().skip(first) {
            let count = (last - first + 1) as u64;
            let bound = u64::from(quota.burst) + (end - start) / quota.interval_nanos();
            assert!(count <= bound, "{count} > {bound} for {quota:?}");
        }
    }
}

#[test]
fn ten_a_minute_under_constant_pressure_admits_nineteen_in_the_first_minute() {
    let policy = policy(vec![quota(10, 60, 10, Per::Ip)]);
    let bench = Bench::new(100);
    let mut admitted = 0;
    for _ in 0..600 {
        admitted += u32::from(bench.request(policy, address(1), None).is_ok());
        bench.advance(SECOND / 10);
    }
    assert_eq!(admitted, 19);
}

#[test]
fn l2_waiting_as_long_as_told_succeeds_and_less_does_not() {
    let mut random = Random(3);
    for _ in 0..500 {
        let quota = random_quota(&mut random, Per::Ip);
        let policy = policy(vec![quota]);
        let bench = Bench::new(100);
        let refused = loop {
            match bench.request(policy, address(1), None) {
                Ok(_) => bench.advance(random.below(quota.interval_nanos() / 2 + 1)),
                Err(rejection) => break rejection,
            }
        };
        let told = Told::by(&refused).retry_after();
        assert!(told >= 1);
        if told > 1 {
            bench.advance((told - 1) * SECOND);
            assert!(bench.request(policy, address(1), None).is_err());
            bench.advance(SECOND);
        } else {
            bench.advance(SECOND);
        }
        assert!(bench.request(policy, address(1), None).is_ok(), "{quota:?}");
    }
}

#[test]
fn subjects_and_policies_are_counted_apart() {
    let quotas = vec![quota(1, 60, 1, Per::Ip)];
    let (one, other) = (policy(quotas.clone()), policy(quotas));
    let bench = Bench::new(100);
    assert!(bench.request(one, address(1), None).is_ok());
    assert!(bench.request(one, address(1), None).is_err());
    assert!(bench.request(one, address(2), None).is_ok());
    assert!(bench.request(other, address(1), None).is_ok());
    assert!(bench.request(one, ClientAddress::Unknown, None).is_ok());
    assert!(bench.request(one, ClientAddress::Unknown, None).is_err());

    let by_user = policy(vec![quota(1, 60, 1, Per::User)]);
    let (ann, same, bob) = (user("ann"), user("ann"), user("bob"));
    assert!(bench.request(by_user, address(1), Some(&ann)).is_ok());
    assert!(bench.request(by_user, address(2), Some(&same)).is_err());
    assert!(bench.request(by_user, address(1), Some(&bob)).is_ok());
}

#[test]
fn an_ipv6_network_is_one_client() {
    let policy = policy(vec![quota(1, 60, 1, Per::Ip)]);
    let bench = Bench::new(100);
    let request = |text: &str| {
        let address = ClientAddress::from(text.parse::<std::net::IpAddr>().unwrap());
        bench.request(policy, address, None).is_ok()
    };
    assert!(request("2001:db8:0:100::1"));
    assert!(!request("2001:db8:0:1ff:ffff::2"));
    assert!(request("2001:db8:0:200::1"));
    assert!(request("192.0.2.1"));
    assert!(!request("::ffff:192.0.2.1"));
}

#[test]
fn a_jump_of_time_frees_everything_and_breaks_nothing() {
    let policy = policy(vec![
        quota(3, u32::MAX, 1, Per::Ip),
        quota(2, 1, 2, Per::Route),
    ]);
    let bench = Bench::new(100);
    assert!(bench.request(policy, address(1), None).is_ok());
    assert!(bench.request(policy, address(1), None).is_err());
    bench.advance(u64::MAX / 2);
    assert!(bench.request(policy, address(1), None).is_ok());
    bench.advance(u64::MAX / 4);
    // Time has reached its end, and stands still: what is used up stays so.
    assert!(bench.request(policy, address(2), None).is_ok());
    assert!(bench.request(policy, address(2), None).is_err());
}

#[test]
fn l12_many_threads_admit_exactly_the_bound() {
    for per in [Per::Ip, Per::Route, Per::User] {
        let policy = policy(vec![quota(1_000, 3_600, 1_000, per)]);
        let bench = Bench::new(100);
        let admitted = AtomicU32::new(0);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let ann = user("ann");
                    for _ in 0..400 {
                        if bench.request(policy, address(1), Some(&ann)).is_ok() {
                            admitted.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(admitted.into_inner(), 1_000, "{per:?}");
    }
}

#[test]
fn threads_that_meet_a_policy_first_share_one_count() {
    for _ in 0..50 {
        let policy = policy(vec![quota(5, 3_600, 5, Per::Route)]);
        let bench = Bench::new(100);
        let admitted = AtomicU32::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        if bench.request(policy, address(1), None).is_ok() {
                            admitted.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(admitted.into_inner(), 5);
    }
}

#[test]
fn a_quota_that_cannot_be_met_is_refused() {
    let bench = Bench::new(100);
    for wrong in [
        quota(0, 60, 1, Per::Ip),
        quota(1, 0, 1, Per::Ip),
        quota(1, 60, 0, Per::Ip),
        quota(1, u32::MAX, u32::MAX, Per::Ip),
    ] {
        let policy = policy(vec![wrong]);
        let prepared = bench.limiter.prepare(policy).unwrap_err();
        assert_eq!(prepared.refusal(), Refusal::NotConfigured);
        let refused = bench.request(policy, address(1), None).unwrap_err();
        assert_eq!(refused.refusal(), Refusal::NotConfigured);
    }
    assert!(
        bench
            .limiter
            .prepare(policy(vec![quota(1, 1, 1, Per::Ip)]))
            .is_ok()
    );
}
