//! Times, for orientation: on a machine with other work to do only their ratios mean anything.
//! `bin/callgrind.rs` counts what does not depend on the machine.

#![allow(
    clippy::expect_used,
    missing_docs,
    reason = "what cannot be set up cannot be measured; Criterion's macros write no docs"
)]

mod common;

use std::{
    hint::black_box,
    net::IpAddr,
    num::NonZeroUsize,
    time::{Duration, Instant},
};

use criterion::{Criterion, criterion_group, criterion_main};
use ipnet::IpNet;
use secure_bench::{Algorithm, Case, FirstSight, Flood, Mode};
use secure_runtime::Security;

/// Every mode, from bare to everything.
fn modes(criterion: &mut Criterion) {
    for &mode in Mode::ALL {
        let case = Case::new(mode);
        criterion.bench_function(mode.name(), |bencher| {
            bencher.iter_custom(|requests| {
                let batches = requests.div_ceil(Case::BATCH as u64);
                let time = (0..batches).map(|_| {
                    let batch = case.batch();
                    let start = Instant::now();
                    batch.serve();
                    start.elapsed()
                });
                let time: Duration = time.sum();
                let served = batches * Case::BATCH as u64;
                time.mul_f64(requests as f64 / served as f64)
            });
        });
    }
}

/// Refusals by a quota, of many addresses: each with a count of its own, and without room for one.
fn floods(criterion: &mut Criterion) {
    const MAX_KEYS: NonZeroUsize = NonZeroUsize::new(1_000_000).expect("it is not zero");
    for (name, newcomers) in [("flood-known", false), ("flood-full-table", true)] {
        let flood = Flood::new(MAX_KEYS, newcomers);
        criterion.bench_function(name, |bencher| {
            bencher.iter_custom(|requests| {
                let rounds = requests.div_ceil(Flood::STRANGERS as u64);
                let start = Instant::now();
                (0..rounds).for_each(|_| flood.serve());
                let served = rounds * Flood::STRANGERS as u64;
                start.elapsed().mul_f64(requests as f64 / served as f64)
            });
        });
    }
}

/// Whether an address is banned, of an address that is not.
fn bans(criterion: &mut Criterion) {
    let security = Security::builder().build().expect("a security");
    let address = black_box(IpAddr::from([203, 0, 113, 7]));
    let mut group = criterion.benchmark_group("is-banned");
    let mut look_up = |name: &str| {
        group.bench_function(name, |bencher| {
            bencher.iter(|| security.bans().is_banned(black_box(address)));
        });
    };
    look_up("none");
    secure_bench::ban_many(&security);
    look_up("100,000 addresses");
    for bits in [24, 16] {
        let network = IpNet::new(IpAddr::from([198, 51, 100, 0]), bits).expect("a network");
        let hour = Duration::from_secs(3600);
        // Those addresses have left room for one.
        security.bans().lift(IpAddr::from([10, 0, 0, bits]));
        let banned = security.bans().ban(network, hour, "a measurement");
        banned.expect("there is room");
    }
    look_up("100,000 of three lengths");
}

/// A token that was not seen before, as `jsonwebtoken` and as this crate verify it.
fn first_sight(criterion: &mut Criterion) {
    for algorithm in Algorithm::ALL {
        let token = FirstSight::new(algorithm);
        let name = algorithm.name().to_ascii_lowercase();
        let mut group = criterion.benchmark_group(format!("first-sight-{name}"));
        group.bench_function("jsonwebtoken", |bencher| bencher.iter(|| token.decode()));
        group.bench_function("secure-runtime", |bencher| {
            bencher.iter(|| token.authenticate());
        });
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = common::criterion();
    targets = modes, floods, bans, first_sight
}
criterion_main!(benches);
