//! Two processes that revoke and check while faults come and go, in an order that chance decides.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use crate::{
    chance::Chance,
    instance::{BOUND, Instance, SLACK, Verdict, pause},
    proxy::Proxy,
    server::Redis,
};

/// What a revocation may take to be known, beyond the bound: the test's own threads.
const LATE: Duration = SLACK;

#[actix_web::test]
async fn no_violation() {
    let seed = std::env::var("REDIS_TEST_SEED").ok();
    let seed = seed
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(0x5eed_2026);
    let mut chance = Chance(seed);
    let mut redis = Redis::durable();
    let proxies = [Proxy::before(redis.port), Proxy::before(redis.port)];
    let instances = [
        Instance::ready(&proxies[0].url()).await,
        Instance::ready(&proxies[1].url()).await,
    ];
    // Name -> when the store had it.
    let mut revoked = HashMap::<String, Instant>::new();
    let mut waiting = Vec::<String>::new();
    let (mut checks, mut accepted, mut undecided) = (0, 0, 0);
    let start = Instant::now();
    let mut next_fault = Duration::ZERO;
    while start.elapsed() < Duration::from_secs(20) {
        if start.elapsed() >= next_fault {
            next_fault = start.elapsed() + Duration::from_millis(300 + chance.below(1500));
            let proxy = &proxies[chance.below(2) as usize];
            match chance.below(9) {
                0 => proxy.cut(true),
                1 => proxy.cut(false),
                2 => proxy.swallow(true),
                3 => proxy.delay(chance.below(150)),
                4 => {
                    redis.ask(&["FLUSHALL"]);
                }
                5 => {
                    redis.stop();
                    pause(chance.below(700)).await;
                    redis.go_on();
                }
                6 => {
                    redis.kill();
                    pause(chance.below(400)).await;
                    redis.restart();
                }
                7 => {
                    redis.kill();
                    redis.restart_empty();
                }
                _ => {
                    for proxy in &proxies {
                        proxy.delay(0);
                        proxy.swallow(false);
                        proxy.cut(false);
                    }
                    next_fault += Duration::from_secs(3);
                }
            }
        }
        if chance.one_in(10) {
            let name = format!("t{}", revoked.len() + waiting.len());
            match instances[chance.below(2) as usize].revoke(&name).await {
                Ok(_) => {
                    revoked.insert(name, Instant::now());
                }
                Err(_) => waiting.push(name),
            }
        }
        let instance = &instances[chance.below(2) as usize];
        let bound = if chance.one_in(4) {
            Duration::ZERO
        } else {
            BOUND
        };
        let count = (revoked.len() + waiting.len()) as u64;
        // Mostly one of the last: those are where a process may still be wrong.
        let last = chance.one_in(2);
        let back = chance.below(if last { 4 } else { count + 1 });
        let name = format!("t{}", count.saturating_sub(back));
        let asked = Instant::now();
        checks += 1;
        match instance.verdict(&name, bound).await {
            Verdict::Accepted => {
                accepted += 1;
                if let Some(at) = revoked.get(&name) {
                    let after = asked.saturating_duration_since(*at);
                    assert!(
                        after <= bound + LATE,
                        "{name} {after:?} bound {bound:?} seed {seed}"
                    );
                }
            }
            Verdict::Undecided => undecided += 1,
            Verdict::Refused => {}
        }
        pause(2).await;
    }
    for proxy in &proxies {
        proxy.delay(0);
        proxy.swallow(false);
        proxy.cut(false);
    }
    println!(
        "{checks} checks, {} revocations, {accepted} accepted, {undecided} undecided",
        revoked.len() + waiting.len()
    );
    // Afterwards everybody knows everything, also what the store did not acknowledge.
    let late = Instance::ready(&redis.url()).await;
    for instance in &instances {
        instance.wait().await;
    }
    for name in revoked.keys().chain(&waiting) {
        for instance in instances.iter().chain([&late]) {
            instance.until_refused(name).await;
        }
    }
}
