//! Times of an admission by one quota, counted in memory, in Redis, and by a lease.
//!
//! `cargo run --release -p secure-bench --features redis --bin shared`
//!
//! It starts a `redis-server` of its own, which keeps nothing. One request at a time: what a
//! request waits for, not how many a second there could be.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use actix_web::{FromRequest, HttpRequest, Responder, dev::Payload, get, test::TestRequest};
use secure_bench::rig::{Result, redis::Redis};
use secure_runtime::{
    SecuredService, Security, Settings, private::Call, secured, settings::RedisSettings,
};

const REQUESTS: u32 = 20_000;
const ROUNDS: usize = 5;
/// Rounds that are measured in vain, because the server was late for a request.
const SPOILT: usize = 20;

#[secured(public, rate = "1000000/s local")]
#[get("/memory")]
async fn memory() -> impl Responder {
    "ok"
}

#[secured(public, rate = "1000000/s")]
#[get("/exact")]
async fn exact() -> impl Responder {
    "ok"
}

#[secured(public, rate = "1000000/s burst 100000 leased")]
#[get("/leased")]
async fn leased() -> impl Responder {
    "ok"
}

#[secured(public, rate = "1/day local")]
#[get("/refused-memory")]
async fn refused_memory() -> impl Responder {
    "ok"
}

#[secured(public, rate = "1/day")]
#[get("/refused-exact")]
async fn refused_exact() -> impl Responder {
    "ok"
}

#[actix_web::main]
async fn main() -> Result {
    if cfg!(debug_assertions) {
        return Err("measure what users run: `cargo run --release ..`".into());
    }
    let redis = Redis::start()?;
    let mut settings = Settings::default();
    settings.danger.plaintext = true;
    settings.redis = Some(RedisSettings::new(redis.url().as_str()));
    let security = Security::builder().settings(settings).build()?;
    until_it_answers(&security).await?;
    let request = TestRequest::get()
        .app_data(security.clone())
        .peer_addr(SocketAddr::from(([192, 0, 2, 1], 40_000)))
        .to_http_request();
    let cases = [
        ("memory", policy_of(&memory), true),
        ("Redis, exact", policy_of(&exact), true),
        ("Redis, leased", policy_of(&leased), true),
        ("refused in memory", policy_of(&refused_memory), false),
        ("refused, denied key", policy_of(&refused_exact), false),
    ];
    let mut medians = Vec::new();
    for (name, policy, expected) in cases {
        // The one that is admitted, and the first leases.
        for _ in 0..1_000 {
            admit(&request, policy).await;
        }
        let mut times = Vec::new();
        let mut spoilt = 0;
        while times.len() < ROUNDS {
            let silent = security.limits().degraded();
            let mut admitted = 0;
            let start = Instant::now();
            for _ in 0..REQUESTS {
                admitted += u32::from(admit(&request, policy).await);
            }
            let took = start.elapsed();
            // Other things had the processor for so long that the server was late for a request.
            if security.limits().degraded() != silent {
                spoilt += 1;
                if spoilt > SPOILT {
                    return Err(format!("{name}: the machine does too much else").into());
                }
                until_it_answers(&security).await?;
                continue;
            }
            if admitted != if expected { REQUESTS } else { 0 } {
                return Err(format!("{name}: {admitted} of {REQUESTS} admitted").into());
            }
            times.push(took / REQUESTS);
        }
        if spoilt > 0 {
            eprintln!("{name}: measured {spoilt} rounds again");
        }
        times.sort();
        medians.push((name, times.get(ROUNDS / 2).copied().unwrap_or_default()));
    }
    let base = medians
        .first()
        .map_or(1.0, |(_, median)| median.as_secs_f64());
    println!("| | time | of `memory` |\n|---|---:|---:|");
    for (name, median) in medians {
        let ratio = median.as_secs_f64() / base;
        println!("| {name} | {median:.2?} | {ratio:.1} |");
    }
    Ok(())
}

async fn until_it_answers(security: &Security) -> Result {
    let start = Instant::now();
    while security.limits().instances().is_none() || security.limits().is_degraded() {
        if start.elapsed() > Duration::from_secs(10) {
            return Err("the server does not answer".into());
        }
        actix_web::rt::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

fn policy_of<S: SecuredService>(_: &S) -> &'static secure_runtime::Policy {
    S::policy()
}

async fn admit(request: &HttpRequest, policy: &'static secure_runtime::Policy) -> bool {
    let Ok(call) = Call::from_request(request, &mut Payload::None).await;
    call.admit(policy).judged().await.is_ok()
}
