//! Several quotas of one route: all or none is charged (L13).

use std::{
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use super::{gcra::assert_bound, *};

const KINDS: [Per; 3] = [Per::Ip, Per::Route, Per::User];

/// Every list of kinds with up to four quotas.
fn kinds() -> Vec<Vec<Per>> {
    let mut lists = vec![vec![]];
    for length in 1..=4 {
        for number in 0..3_usize.pow(length) {
            let digit = |place| KINDS[number / 3_usize.pow(place) % 3];
            lists.push((0..length).map(digit).collect());
        }
    }
    lists
}

#[test]
fn l13_in_every_order_a_denial_charges_nothing() {
    for kinds in kinds() {
        for denying in 0..kinds.len() {
            // One quota has a single request, the others have many.
            let quotas: Vec<_> = kinds
                .iter()
                .enumerate()
                .map(|(place, &per)| {
                    let burst = if place == denying { 1 } else { 5 };
                    quota(1, 100, burst, per)
                })
                .collect();
            let policy = policy(quotas);
            let bench = Bench::new(100);
            let ann = user("ann");
            assert!(bench.request(policy, address(1), Some(&ann)).is_ok());
            for _ in 0..20 {
                let refused = bench.request(policy, address(1), Some(&ann)).unwrap_err();
                assert_eq!(Told::by(&refused).retry_after(), 100);
            }
            bench.advance(100 * SECOND);
            let charges = bench.request(policy, address(1), Some(&ann)).unwrap();
            for charge in charges.iter() {
                let left = if charge.quota == denying { 0 } else { 4 };
                assert_eq!(charge.paid.remaining, left, "{kinds:?}, {denying} denies");
            }
            assert_eq!(charges.iter().count(), kinds.len());
        }
    }
}

/// Nothing is taken back twice.
#[test]
fn l13_what_is_taken_back_is_forgotten() {
    let policy = policy(vec![quota(1, 100, 5, Per::Ip), quota(1, 100, 1, Per::User)]);
    let bench = Bench::new(100);
    let ann = user("ann");
    assert!(bench.request(policy, address(1), Some(&ann)).is_ok());
    let mut charges = bench.charge_ip(policy, address(1)).unwrap();
    assert_eq!(charges.iter().count(), 1);
    let denied = bench.limiter.charge_caller(&mut charges, Some(&ann));
    assert!(denied.is_err());
    assert_eq!(charges.iter().count(), 0);
}

#[test]
fn l13_admitted_exactly_if_every_quota_admits() {
    let mut random = Random(4);
    for kinds in kinds().into_iter().cycle().take(2_000) {
        let quotas: Vec<_> = kinds
            .into_iter()
            .map(|per| {
                let limit = 1 + random.below(5) as u32;
                quota(
                    limit,
                    1 + random.below(20) as u32,
                    1 + random.below(5) as u32,
                    per,
                )
            })
            .collect();
        let mut oracles: Vec<_> = quotas.iter().map(Oracle::new).collect();
        let policy = policy(quotas);
        let bench = Bench::new(100);
        let ann = user("ann");
        for _ in 0..40 {
            bench.advance(random.below(3) * random.below(2 * SECOND));
            let now = bench.now();
            let wait = oracles
                .iter()
                .map(|oracle| oracle.wait(now))
                .max()
                .unwrap_or(0);
            match bench.request(policy, address(1), Some(&ann)) {
                Ok(charges) => {
                    assert_eq!(wait, 0);
                    let left: Vec<_> = oracles.iter_mut().map(|o| o.charge(now).0).collect();
                    for charge in charges.iter() {
                        assert_eq!(charge.paid.remaining, left[charge.quota]);
                    }
                }
                Err(rejection) => {
                    // The first stage cannot know of users: what it says may be too early.
                    let told = Told::by(&rejection).retry_after();
                    let by_ip = policy
                        .quotas
                        .iter()
                        .zip(&oracles)
                        .any(|(quota, oracle)| quota.per == Per::Ip && oracle.wait(now) > 0);
                    assert!(wait > 0);
                    match by_ip {
                        true => assert!(told <= wait.div_ceil(SECOND)),
                        false => assert_eq!(told, wait.div_ceil(SECOND)),
                    }
                }
            }
        }
    }
}

#[test]
fn a_late_refund_never_admits_more_than_the_bound() {
    let mut random = Random(5);
    for _ in 0..400 {
        let by_ip = quota(
            1 + random.below(6) as u32,
            10,
            1 + random.below(4) as u32,
            Per::Ip,
        );
        let policy = policy(vec![by_ip, quota(1, 30, 2, Per::User)]);
        let bench = Bench::new(100);
        let users = [user("ann"), user("bob"), user("eve")];
        let mut waiting = Vec::new();
        let mut admitted = Vec::new();
        for _ in 0..120 {
            bench.advance(random.below(3 * SECOND));
            match random.below(2) {
                0 => {
                    if let Ok(charges) = bench.charge_ip(policy, address(1)) {
                        waiting.push((bench.now(), charges));
                    }
                }
                // Authentication took its time, and ends in any order.
                _ if !waiting.is_empty() => {
                    let place = random.below(waiting.len() as u64) as usize;
                    let (at, mut charges) = waiting.swap_remove(place);
                    let user = &users[random.below(3) as usize];
                    if bench
                        .limiter
                        .charge_caller(&mut charges, Some(user))
                        .is_ok()
                    {
                        admitted.push(at);
                    }
                }
                _ => {}
            }
        }
        admitted.extend(waiting.iter().map(|(at, _)| at));
        admitted.sort_unstable();
        assert_bound(&by_ip, &admitted);
    }
}

/// L2: a request is charged as of when it came, and is told to wait from now on.
#[test]
fn a_wait_begins_when_it_is_told() {
    let policy = policy(vec![quota(1, 60, 9, Per::Ip), quota(1, 10, 1, Per::User)]);
    for (seconds, wait) in [(0, 9), (3, 6), (8, 1), (50, 1)] {
        let bench = Bench::new(100);
        let ann = user("ann");
        bench.request(policy, address(1), Some(&ann)).unwrap();
        bench.advance(SECOND);
        let mut charges = bench.charge_ip(policy, address(1)).unwrap();
        bench.advance(seconds * SECOND);
        let refused = bench.limiter.charge_caller(&mut charges, Some(&ann));
        assert_eq!(Told::by(&refused.unwrap_err()).retry_after(), wait);
    }
}

#[test]
fn threads_that_are_refused_leave_nothing_behind() {
    let policy = policy(vec![
        quota(300, 3_600, 300, Per::Ip),
        quota(200, 3_600, 200, Per::Route),
        quota(100, 3_600, 100, Per::User),
    ]);
    let bench = Bench::new(100);
    let admitted = AtomicU32::new(0);
    thread::scope(|scope| {
        for name in ["ann", "bob", "ann", "bob"] {
            let (bench, admitted) = (&bench, &admitted);
            scope.spawn(move || {
                let user = user(name);
                for _ in 0..300 {
                    if bench.request(policy, address(1), Some(&user)).is_ok() {
                        admitted.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    // Refusals for the sake of others may have left some over; now there are no others.
    for name in ["ann", "bob"] {
        while bench.request(policy, address(1), Some(&user(name))).is_ok() {
            admitted.fetch_add(1, Ordering::Relaxed);
        }
    }
    assert_eq!(admitted.into_inner(), 200);
    // 100 of the address are left, and nobody but this user can take them.
    let by_eve = (0..300).filter(|_| bench.charge_ip(policy, address(1)).is_ok());
    assert_eq!(by_eve.count(), 100);
}

#[test]
fn a_quota_per_user_without_a_user_is_a_refusal_and_charges_nothing() {
    let policy = policy(vec![quota(1, 60, 1, Per::Ip), quota(1, 60, 1, Per::User)]);
    let bench = Bench::new(100);
    let refused = bench.request(policy, address(1), None).unwrap_err();
    assert_eq!(refused.refusal(), Refusal::NotConfigured);
    assert!(
        bench
            .request(policy, address(1), Some(&user("ann")))
            .is_ok()
    );
}

#[test]
fn a_policy_without_quotas_charges_nothing() {
    let policy = policy(vec![]);
    let bench = Bench::new(0);
    for _ in 0..1_000 {
        let charges = bench.request(policy, address(1), None).unwrap();
        assert!(bench.limiter.fields(&charges).is_none());
    }
    assert!(bench.limiter.routes.get(policy).is_none());
}
