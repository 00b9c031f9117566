//! First sights of tokens, in this process.

use std::time::{Duration, Instant};

use secure_bench::{
    Algorithm, FirstSight,
    rig::{
        Result,
        pairs::{Pairs, Sample, compare},
        process::computed,
    },
};

use crate::rows::{Goal, Measured};

/// Tokens in a sample: about a tenth of a second of the cheapest.
const TOKENS: u32 = 10_000;

/// The rows that the filter finds.
pub(crate) fn measure(filter: &str, rounds: usize) -> Result<Vec<Measured>> {
    let mut measured = Vec::new();
    for algorithm in Algorithm::ALL {
        let goal = match algorithm {
            // No slower. Where a signature is expensive, the rest is lost beside it.
            Algorithm::Hs256 => Goal::Rate(1.0),
            _ => Goal::None,
        };
        let name = format!(
            "first sight of a token, {} / jsonwebtoken::decode",
            algorithm.name()
        );
        if name.contains(filter) {
            let pairs = pairs(algorithm, rounds)?;
            measured.push(Measured { name, goal, pairs });
        }
    }
    Ok(measured)
}

fn pairs(algorithm: Algorithm, rounds: usize) -> Result<Pairs> {
    let token = FirstSight::new(algorithm);
    let tokens = match algorithm {
        Algorithm::Hs256 => TOKENS,
        _ => TOKENS / 10,
    };
    let ours = &mut || timed(tokens, || token.authenticate());
    let pairs = compare(
        rounds,
        &mut || timed(tokens, || token.decode()),
        &mut [ours],
    )?;
    Ok(pairs.into_iter().next().unwrap_or_default())
}

fn timed(times: u32, work: impl Fn()) -> Result<Sample> {
    let before = computed()?;
    let start = Instant::now();
    for _ in 0..times {
        work();
    }
    let each = |time: Duration| time.as_secs_f64() / f64::from(times);
    Ok(Sample {
        rate: 1.0 / each(start.elapsed()),
        computed: each(computed()? - before),
    })
}
