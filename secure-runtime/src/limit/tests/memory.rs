//! How much is remembered, and how it is forgotten.

use std::{net::Ipv6Addr, thread, time::Instant};

use super::*;

/// The network with this number.
fn network(number: u64) -> ClientAddress {
    ClientAddress::Known(Ipv6Addr::from_bits(u128::from(number) << 72).into())
}

#[test]
fn a_million_networks_stay_within_the_bound() {
    const MAX: u64 = 1_000_000;
    let policy = policy(vec![quota(10, 60, 10, Per::Ip)]);
    let bench = Bench::new(DEFAULT_MAX_KEYS.get());
    for number in 0..MAX {
        let charges = bench.charge_ip(policy, network(number)).unwrap();
        assert_eq!(charges.iter().next().unwrap().paid.remaining, 9);
    }
    let networks = &bench.limiter.tables.networks;
    assert_eq!(networks.len() as u64, MAX);
    let bytes = networks.bytes();
    println!("{} bytes a key of a network", bytes as f64 / MAX as f64);
    assert!(bytes as u64 <= 32 * MAX);

    // All newcomers are one from here on.
    let newcomers = MAX..MAX + 50_000;
    let admitted = newcomers
        .clone()
        .filter(|&number| bench.charge_ip(policy, network(number)).is_ok());
    assert_eq!(admitted.count(), 10);
    assert_eq!(networks.len() as u64, MAX);
    assert_eq!(networks.bytes(), bytes);
    let refused = bench.charge_ip(policy, network(MAX)).unwrap_err();
    assert_eq!(Told::by(&refused).retry_after(), 6);
    // Those who are known keep their own count, and users have room of their own.
    assert!(bench.charge_ip(policy, network(7)).is_ok());
    let by_user = super::policy(vec![quota(1, 60, 1, Per::User)]);
    for name in ["ann", "bob"] {
        assert!(
            bench
                .request(by_user, network(MAX), Some(&user(name)))
                .is_ok()
        );
    }

    bench.advance(12 * SECOND);
    bench.limiter.tables.sweep(bench.now(), || true);
    assert_eq!(networks.len(), 0);
    assert!(networks.bytes() < 1_000_000, "{} bytes", networks.bytes());
    let charges = bench.charge_ip(policy, network(MAX)).unwrap();
    assert_eq!(charges.iter().next().unwrap().paid.remaining, 9);
}

#[test]
fn users_cost_little_more() {
    const MAX: usize = 340_000;
    let policy = policy(vec![quota(10, 60, 10, Per::User)]);
    let bench = Bench::new(MAX);
    for number in 0..MAX {
        let user = user(&format!("https://issuer.example {number}"));
        assert!(bench.request(policy, address(1), Some(&user)).is_ok());
    }
    let users = &bench.limiter.tables.users;
    assert_eq!(users.len(), MAX);
    println!(
        "{} bytes a key of a user",
        users.bytes() as f64 / MAX as f64
    );
    assert!(users.bytes() <= 42 * MAX);
}

#[test]
fn threads_do_not_go_beyond_the_bound_together() {
    let policy = policy(vec![quota(10, 60, 10, Per::Ip)]);
    let bench = Bench::new(500);
    thread::scope(|scope| {
        for start in 0..8 {
            let bench = &bench;
            scope.spawn(move || {
                for number in 0..500 {
                    drop(bench.charge_ip(policy, address(start * 500 + number)));
                }
            });
        }
    });
    assert_eq!(bench.limiter.tables.networks.len(), 500);
}

#[test]
fn without_room_for_any_key_all_are_one() {
    let policy = policy(vec![quota(3, 60, 3, Per::Ip), quota(2, 60, 2, Per::Ip)]);
    let bench = Bench::new(0);
    let admitted = (0..10).filter(|&number| bench.request(policy, address(number), None).is_ok());
    assert_eq!(admitted.count(), 2);
    // The refusals gave the common count back what they had been charged.
    bench.advance(30 * SECOND);
    let charges = bench.request(policy, address(99), None).unwrap();
    let left: Vec<_> = charges.iter().map(|charge| charge.paid.remaining).collect();
    assert_eq!(left, [1, 0]);
}

#[test]
fn a_sweep_keeps_what_still_counts() {
    let policy = policy(vec![quota(10, 60, 10, Per::Ip)]);
    let bench = Bench::new(1_000);
    for number in 0..500 {
        bench.request(policy, address(number), None).unwrap();
    }
    for _ in 0..5 {
        bench.request(policy, address(7), None).unwrap();
    }
    bench.advance(6 * SECOND);
    bench.limiter.tables.sweep(bench.now(), || true);
    assert_eq!(bench.limiter.tables.networks.len(), 1);
    let charges = bench.request(policy, address(7), None).unwrap();
    assert_eq!(charges.iter().next().unwrap().paid.remaining, 4);
}

#[test]
fn the_thread_sweeps() {
    let policy = policy(vec![quota(10, 60, 10, Per::Ip)]);
    let bench = Bench::new(1_000);
    let clock = bench.limiter.clock.clone();
    bench.request(policy, address(1), None).unwrap();
    bench.advance(6 * SECOND);
    let quick = Duration::from_millis(1);
    let _sweeper = Sweeper::start(&bench.limiter.tables, clock, quick).unwrap();
    let started = Instant::now();
    while bench
        .limiter
        .tables
        .networks
        .tat(
            0,
            crate::limit::subject::Hashed::new(&address(1).network(Default::default())),
        )
        .is_some()
    {
        assert!(started.elapsed() < Duration::from_secs(60), "nobody sweeps");
        thread::yield_now();
    }
}

#[test]
fn the_thread_ends_with_the_limiter() {
    let bench = Bench::new(1_000);
    let thread = bench.limiter.sweeper.watch();
    let tables = Arc::downgrade(&bench.limiter.tables);
    assert!(thread.upgrade().is_some());
    drop(bench);
    assert!(thread.upgrade().is_none());
    assert!(tables.upgrade().is_none());
}
