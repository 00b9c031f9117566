//! Requests a second of the same handler with and without something, and what the server computes
//! for each.
//!
//! Each sample stands between two of the route without. Where these differ by more than
//! [`DISTURBED`], something else was running, and the rate does not count. What the server has
//! computed counts always: time that others had the processor is not in it.

use std::{
    process::Command,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::{
    Result,
    children::{Identity, Redis, Server},
    client::Client,
    quantile,
};

const TIME: Duration = Duration::from_secs(1);
const CONNECTIONS: usize = 8;
const DISTURBED: f64 = 0.04;

/// With revocation, and with a question to Redis by hand.
pub(crate) fn revocation() -> Result {
    let rivals = [
        ("`revocation = \"2s\"`", "/on"),
        ("`EXISTS` by hand", "/exists"),
    ];
    compare(("without revocation", "/off"), &rivals, 30)
}

/// With quotas of each kind, and with scripts by hand.
pub(crate) fn limits() -> Result {
    let rivals = [
        ("a quota in memory (`local`)", "/memory"),
        ("a quota that is `leased`", "/leased"),
        ("a quota in Redis, exact", "/exact"),
        (
            "a Lua script by hand, on an unguarded route",
            "/by-hand/lua",
        ),
        (
            "the commands of `actix-limitation`, on an unguarded route",
            "/by-hand/commands",
        ),
    ];
    compare(("without a quota", "/empty"), &rivals, 12)
}

fn compare(baseline: (&str, &str), rivals: &[(&str, &str)], rounds: usize) -> Result {
    let identity = Identity::new()?;
    let redis = Redis::start()?;
    let mut server = Server::start(&identity, &redis, false)?;
    server.followed()?;
    let token = identity.token("good");
    let has_wrk = Command::new("wrk").arg("-v").output().is_ok();
    println!(
        "driven by {}",
        if has_wrk {
            "wrk"
        } else {
            "threads of this program"
        }
    );
    let sample = |path: &str| -> Result<Sample> {
        let before = server.computed()?;
        let start = Instant::now();
        let requests = match has_wrk {
            true => by_wrk(server.port, path, &token),
            false => by_threads(server.port, path, &token),
        }?;
        Ok(Sample {
            rate: requests as f64 / start.elapsed().as_secs_f64(),
            computed: (server.computed()? - before).as_secs_f64() / requests as f64,
        })
    };
    for (_, path) in rivals {
        sample(path)?;
    }
    let mut rates = Vec::new();
    let mut ratios: Vec<Ratios> = rivals.iter().map(|_| Ratios::default()).collect();
    let mut before = sample(baseline.1)?;
    for _ in 0..rounds {
        for ((_, path), ratios) in rivals.iter().zip(&mut ratios) {
            let with = sample(path)?;
            let after = sample(baseline.1)?;
            let mean = |a: f64, b: f64| (a + b) / 2.0;
            let without = Sample {
                rate: mean(before.rate, after.rate),
                computed: mean(before.computed, after.computed),
            };
            if (before.rate - after.rate).abs() <= DISTURBED * without.rate {
                rates.push(without.rate);
                ratios.rates.push(with.rate / without.rate);
            }
            ratios.computed.push(without.computed / with.computed);
            before = after;
        }
    }
    if let Some(rate) = quantile(&mut rates, 0.5) {
        println!("{}: {rate:.0} requests a second", baseline.0);
    }
    println!(
        "\n| of the route {} | requests a second | rounds that count, of {rounds} | for one second of its processor |",
        baseline.0
    );
    println!("|---|---:|---:|---:|");
    for ((name, _), ratios) in rivals.iter().zip(&mut ratios) {
        let count = ratios.rates.len();
        let (rates, computed) = (ratio(&mut ratios.rates), ratio(&mut ratios.computed));
        println!("| {name} | {rates} | {count} | {computed} |");
    }
    Ok(())
}

struct Sample {
    rate: f64,
    /// Seconds for a request.
    computed: f64,
}

/// Of one route to the one without.
#[derive(Default)]
struct Ratios {
    rates: Vec<f64>,
    computed: Vec<f64>,
}

/// Median and quartiles.
fn ratio(ratios: &mut [f64]) -> String {
    let at = [0.25, 0.5, 0.75].map(|share| quantile(ratios, share));
    match at {
        [Some(low), Some(median), Some(high)] => format!("{median:.3} ({low:.3} to {high:.3})"),
        _ => "-".to_owned(),
    }
}

fn by_wrk(port: u16, path: &str, token: &str) -> Result<u64> {
    let output = Command::new("wrk")
        .args([
            "-t1",
            &format!("-c{CONNECTIONS}"),
            &format!("-d{}s", TIME.as_secs()),
        ])
        .args(["-H", &format!("Authorization: Bearer {token}")])
        .arg(format!("http://127.0.0.1:{port}{path}"))
        .output()?;
    let report = String::from_utf8(output.stdout)?;
    if report.contains("Non-2xx") {
        return Err(report.into());
    }
    // `N requests in T, ..read`
    let line = report.lines().find(|line| line.contains(" requests in "));
    let requests = line.and_then(|line| line.split_whitespace().next());
    Ok(requests.ok_or("wrk does not say how many")?.parse()?)
}

fn by_threads(port: u16, path: &str, token: &str) -> Result<u64> {
    let is_over = AtomicBool::new(false);
    let answered = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                let Ok(mut client) = Client::connect(port) else {
                    return;
                };
                while !is_over.load(Ordering::Relaxed)
                    && matches!(client.ask("GET", path, token, ""), Ok(200))
                {
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        thread::sleep(TIME);
        is_over.store(true, Ordering::Relaxed);
    });
    Ok(answered.load(Ordering::Relaxed))
}
