//! How long a token is taken elsewhere after its logout was answered.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use secure_bench::{
    Algorithm, Identity,
    rig::{Result, client::Client, pairs::quantile, redis::Redis},
};

use crate::children::{Server, token};

const LOGOUTS: usize = 1000;
/// Clients that ask without end; each as fast as it is answered.
const CLIENTS: usize = 8;

pub(crate) fn measure() -> Result {
    let identity = Identity::new(Algorithm::EdDsa);
    let redis = Redis::start()?;
    let mut servers = [
        Server::start(&identity, &redis, true)?,
        Server::start(&identity, &redis, true)?,
    ];
    for server in &mut servers {
        server.followed()?;
    }
    let ports = servers.each_ref().map(|server| server.port);
    println!("| | logouts | median | p99 | longest | a round trip, median |");
    println!("|---|---:|---:|---:|---:|---:|");
    row("idle", &identity, ports)?;

    let is_over = AtomicBool::new(false);
    let answered = AtomicU64::new(0);
    thread::scope(|scope| {
        let busy = token(&identity, "busy");
        for port in ports.into_iter().cycle().take(CLIENTS) {
            let (is_over, answered, busy) = (&is_over, &answered, busy.clone());
            scope.spawn(move || {
                let Ok(mut client) = Client::connect(port) else {
                    return;
                };
                while !is_over.load(Ordering::Relaxed)
                    && client.ask("GET", "/on", &busy, "10.255.1.1").is_ok()
                {
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let start = Instant::now();
        let outcome = row("8 clients without a pause", &identity, ports);
        let rate = answered.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64();
        is_over.store(true, Ordering::Relaxed);
        println!("\n{rate:.0} requests a second of the 8 clients meanwhile");
        outcome
    })
}

fn row(name: &str, identity: &Identity, [a, b]: [u16; 2]) -> Result {
    let (mut here, mut there) = (Client::connect(a)?, Client::connect(b)?);
    let mut times = Vec::with_capacity(LOGOUTS);
    let mut round_trips = Vec::with_capacity(LOGOUTS);
    for number in 0..LOGOUTS {
        let token = token(identity, &format!("{name} {number}"));
        // From a new address each time: refusals of one are counted.
        let from = format!("10.1.{}.{}", number / 250, number % 250);
        for _ in 0..2 {
            let start = Instant::now();
            expect(there.ask("GET", "/on", &token, &from)?, 200)?;
            round_trips.push(start.elapsed());
        }
        expect(here.ask("POST", "/logout", &token, &from)?, 204)?;
        let start = Instant::now();
        while there.ask("GET", "/on", &token, &from)? != 401 {
            if start.elapsed() > Duration::from_secs(5) {
                return Err("it is not refused".into());
            }
        }
        times.push(start.elapsed());
    }
    let of = |times: &mut [Duration], share| quantile(times, share).unwrap_or_default();
    let (median, p99) = (of(&mut times, 0.5), of(&mut times, 0.99));
    let (longest, round_trip) = (of(&mut times, 1.0), of(&mut round_trips, 0.5));
    println!(
        "| {name} | {LOGOUTS} | {median:.2?} | {p99:.2?} | {longest:.2?} | {round_trip:.2?} |"
    );
    Ok(())
}

fn expect(status: u16, wanted: u16) -> Result {
    match status == wanted {
        true => Ok(()),
        false => Err(format!("{status} instead of {wanted}").into()),
    }
}
