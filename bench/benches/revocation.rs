//! What a look into a million revocations costs: the difference of two admissions, one of which
//! looks. They alternate, so that what disturbs one disturbs the other.

#![allow(missing_docs, reason = "Criterion's macros write no docs")]

mod common;

use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use secure_bench::Lookups;

fn looks(criterion: &mut Criterion) {
    let lookups = Lookups::new(1_000_000);
    let time = |looks: bool| {
        let start = Instant::now();
        lookups.serve(looks);
        start.elapsed()
    };
    let each = |batch: Duration| batch / Lookups::CALLERS as u32;
    criterion.bench_function("revocation-admission-without", |bencher| {
        bencher.iter_custom(|count| (0..count).map(|_| each(time(false))).sum());
    });
    for (name, changes) in [
        ("revocation-nothing-new", false),
        ("revocation-something-new", true),
    ] {
        criterion.bench_function(name, |bencher| {
            bencher.iter_custom(|count| {
                let (mut with, mut without) = (Duration::ZERO, Duration::ZERO);
                for _ in 0..count {
                    if changes {
                        lookups.change();
                    }
                    without += time(false);
                    with += time(true);
                }
                // Criterion wants that everything takes some time.
                each(with.saturating_sub(without)).max(Duration::from_nanos(1))
            });
        });
    }
}

criterion_group! {
    name = benches;
    config = common::criterion().measurement_time(Duration::from_secs(3));
    targets = looks
}
criterion_main!(benches);
