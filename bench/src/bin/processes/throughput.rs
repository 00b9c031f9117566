//! Requests a second of the same handler, with and without revocation, and what the server
//! computes for each.
//!
//! Each round measures the route without revocation twice, before and after the one with it, and
//! then the one with a question to Redis by hand. Where the two differ by more than
//! [`DISTURBED`], something else was running, and the rates of the round do not count. What the
//! server has computed counts always: time that others had the processor is not in it.

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

const ROUNDS: usize = 30;
const TIME: Duration = Duration::from_secs(1);
const CONNECTIONS: usize = 8;
const DISTURBED: f64 = 0.04;

pub(crate) fn measure() -> Result {
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
    for path in ["/off", "/on", "/by-hand"] {
        sample(path)?;
    }
    let mut off = Vec::new();
    let mut ratios = [Ratios::default(), Ratios::default()];
    for _ in 0..ROUNDS {
        let [before, with, after] = [sample("/off")?, sample("/on")?, sample("/off")?];
        let hand = sample("/by-hand")?;
        let mean = |a: f64, b: f64| (a + b) / 2.0;
        let without = Sample {
            rate: mean(before.rate, after.rate),
            computed: mean(before.computed, after.computed),
        };
        let is_disturbed = (before.rate - after.rate).abs() > DISTURBED * without.rate;
        if !is_disturbed {
            off.push(without.rate);
        }
        for (sample, ratios) in [with, hand].iter().zip(&mut ratios) {
            if !is_disturbed {
                ratios.rates.push(sample.rate / without.rate);
            }
            ratios.computed.push(without.computed / sample.computed);
        }
    }
    println!("{} of {ROUNDS} rounds were not disturbed", off.len());
    if let Some(rate) = quantile(&mut off, 0.5) {
        println!("without revocation: {rate:.0} requests a second");
    }
    println!(
        "\n| of the route without revocation | requests a second | for one second of its processor |"
    );
    println!("|---|---:|---:|");
    let names = ["`revocation = \"2s\"`", "`EXISTS` by hand"];
    for (name, ratios) in names.iter().zip(&mut ratios) {
        let (rates, computed) = (ratio(&mut ratios.rates), ratio(&mut ratios.computed));
        println!("| {name} | {rates} | {computed} |");
    }
    Ok(())
}

struct Sample {
    rate: f64,
    /// Seconds for a request.
    computed: f64,
}

/// Of one route to the one without revocation.
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
