//! Requests a second of the same handler, with and without revocation.
//!
//! Each round measures the route without revocation twice, before and after the one with it, and
//! then the one with a question to Redis by hand. Where the two differ by more than
//! [`DISTURBED`], something else was running, and the round does not count.

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
const TIME: Duration = Duration::from_secs(2);
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
    let rate = |path: &str| match has_wrk {
        true => by_wrk(server.port, path, &token),
        false => by_threads(server.port, path, &token),
    };
    rate("/off")?;
    rate("/on")?;
    rate("/by-hand")?;
    let (mut rates, mut on, mut by_hand) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let [before, with, after] = [rate("/off")?, rate("/on")?, rate("/off")?];
        let hand = rate("/by-hand")?;
        let off = (before + after) / 2.0;
        if (before - after).abs() > DISTURBED * off {
            continue;
        }
        rates.push(off);
        on.push(with / off);
        by_hand.push(hand / off);
    }
    println!("{} of {ROUNDS} rounds were not disturbed", rates.len());
    let off = quantile(&mut rates, 0.5).ok_or("no round counts")?;
    println!("without revocation: {off:.0} requests a second");
    for (name, ratios) in [
        ("revocation = \"2s\"", &mut on),
        ("EXISTS by hand", &mut by_hand),
    ] {
        let at = |ratios: &mut [f64], share| quantile(ratios, share).unwrap_or_default();
        let (low, median, high) = (at(ratios, 0.25), at(ratios, 0.5), at(ratios, 0.75));
        println!("{name}: {median:.3} of it (quartiles {low:.3} and {high:.3})");
    }
    Ok(())
}

fn by_wrk(port: u16, path: &str, token: &str) -> Result<f64> {
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
    let rate = report
        .lines()
        .find_map(|line| line.strip_prefix("Requests/sec:"));
    Ok(rate.ok_or("wrk says no rate")?.trim().parse()?)
}

fn by_threads(port: u16, path: &str, token: &str) -> Result<f64> {
    let is_over = AtomicBool::new(false);
    let answered = AtomicU64::new(0);
    let start = Instant::now();
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
    Ok(answered.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64())
}
