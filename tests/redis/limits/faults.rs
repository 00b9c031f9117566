//! Servers that are killed, stopped, slow or emptied (L15). No request waits longer than it may:
//! `Process::get` sees to it.

use std::time::{Duration, Instant};

use super::process::{ANYBODY, Client, Process, assert_admitted, count, flood_with, processes};
use crate::{
    instance::{LONGEST_WAIT, eventually, pause},
    proxy::Proxy,
    server::Redis,
};

fn from(address: u32) -> Client<'static> {
    Client { address, ..ANYBODY }
}

#[actix_web::test]
async fn l15_killed_with_deny_and_with_local() {
    let mut redis = Redis::start();
    let all = processes(&redis.url(), 3).await;
    redis.kill();
    let answers = flood_with(&all, 6, 10, "/deny", |_| ANYBODY).await;
    assert_eq!(count(&answers, 503), 60);
    // Each has its part of 12, and none more.
    let answers = flood_with(&all, 6, 10, "/share", |_| ANYBODY).await;
    assert_admitted(&answers, 12);
    let refused = answers.iter().find(|answer| !answer.is_ok()).unwrap();
    // One of 12 comes back each 5 minutes, and one of a third of them each 15.
    let wait = refused.retry_after.unwrap();
    assert!((880..=900).contains(&wait), "{wait}");
    pause(1_000).await;
    for process in &all {
        let limits = process.security.limits();
        assert!(limits.is_degraded());
        assert!(limits.degraded() > Duration::from_millis(900));
    }
    redis.restart();
    for process in &all {
        process.wait(3).await;
    }
    let before = all[0].security.limits().degraded();
    let answers = flood_with(&all, 6, 10, "/deny", |_| ANYBODY).await;
    assert_admitted(&answers, 12);
    assert_eq!(all[0].security.limits().degraded(), before);
}

#[actix_web::test]
async fn l15_stopped_for_five_seconds() {
    let redis = Redis::start();
    let all = processes(&redis.url(), 2).await;
    redis.stop();
    let start = Instant::now();
    let mut longest = Duration::ZERO;
    let mut shares = 0;
    while start.elapsed() < Duration::from_secs(5) {
        let denied = flood_with(&all, 4, 1, "/deny", |_| ANYBODY).await;
        assert_eq!(count(&denied, 503), 4);
        let answers = flood_with(&all, 4, 1, "/share", |_| ANYBODY).await;
        shares += count(&answers, 200);
        assert_eq!(count(&answers, 503), 0);
        let both = denied.iter().chain(&answers).map(|answer| answer.took);
        longest = longest.max(both.max().unwrap());
        pause(10).await;
    }
    println!("stopped for 5 s: longest {longest:?}, allowed {LONGEST_WAIT:?}");
    assert_eq!(shares, 12);
    redis.go_on();
    for process in &all {
        process.wait(2).await;
    }
    // What was asked and not answered may have been charged; the rest is there.
    let answers = flood_with(&all, 4, 10, "/deny", |_| ANYBODY).await;
    assert!(count(&answers, 200) <= 12);
    assert_eq!(count(&answers, 503), 0);
    let answers = flood_with(&all, 4, 10, "/deny", |_| from(9)).await;
    assert_admitted(&answers, 12);
}

/// Connections that the server was asked for; that of this question among them.
fn connections(redis: &Redis) -> u64 {
    let facts = redis.ask(&["INFO", "stats"]);
    let line = |line: &'static str| facts.lines().find_map(|fact| fact.strip_prefix(line));
    let number = line("total_connections_received:").unwrap();
    number.trim().parse().unwrap()
}

/// Many requests that were not answered speak of one connection, and cost one: not also the next
/// one, which is good.
#[actix_web::test]
async fn l15_a_stall_costs_one_connection() {
    let redis = Redis::start();
    let all = processes(&redis.url(), 1).await;
    let (mut once, mut opened) = (0, Vec::new());
    while once < 3 {
        let before = connections(&redis);
        redis.stop();
        let ends = async {
            pause(130).await;
            redis.go_on();
        };
        let asked = flood_with(&all, 8, 1, "/deny", |_| ANYBODY);
        tokio::join!(asked, ends);
        // Two probes after it at least, at either of which a machine that does much else may be
        // late and cost one more.
        all[0].wait(1).await;
        pause(600).await;
        let after = connections(&redis) - 1;
        opened.push(after - before);
        once += usize::from(after - before == 1);
        assert!(opened.len() < 9, "{opened:?}");
    }
}

#[actix_web::test]
async fn l15_a_slow_network() {
    let redis = Redis::start();
    let proxy = Proxy::before(redis.port);
    let all = processes(&proxy.url(), 1).await;
    // Slow, and fast enough.
    proxy.delay(5);
    let answers = flood_with(&all, 1, 20, "/deny", |_| ANYBODY).await;
    assert_admitted(&answers, 12);
    // Too slow, and then as before without a restart.
    proxy.delay(60);
    let answers = flood_with(&all, 2, 10, "/deny", |_| from(2)).await;
    assert_eq!(count(&answers, 503), 20);
    let answers = flood_with(&all, 2, 10, "/share", |_| from(2)).await;
    assert_admitted(&answers, 12);
    proxy.delay(0);
    all[0].wait(1).await;
    let answers = flood_with(&all, 2, 10, "/deny", |_| from(3)).await;
    assert_admitted(&answers, 12);
    proxy.swallow(true);
    let answers = flood_with(&all, 2, 10, "/deny", |_| from(4)).await;
    assert_eq!(count(&answers, 503), 20);
}

/// Who empties the store gives everybody one more burst, and no more.
#[actix_web::test]
async fn emptied_in_the_middle() {
    let redis = Redis::start();
    let all = processes(&redis.url(), 2).await;
    for round in 0..3 {
        // A denied client is denied here until its time has come: others show the burst.
        let answers = flood_with(&all, 4, 2, "/deny", |_| from(round)).await;
        assert_admitted(&answers, 8);
        redis.ask(&["FLUSHALL"]);
        let answers = flood_with(&all, 4, 10, "/deny", |_| from(round)).await;
        assert_admitted(&answers, 12);
    }
}

#[actix_web::test]
async fn restarted_empty() {
    let mut redis = Redis::start();
    let all = processes(&redis.url(), 2).await;
    let answers = flood_with(&all, 4, 3, "/deny", |_| ANYBODY).await;
    assert_admitted(&answers, 12);
    redis.kill();
    for process in &all {
        eventually("it is noticed", || process.security.limits().is_degraded()).await;
    }
    redis.restart_empty();
    for process in &all {
        process.wait(2).await;
    }
    let answers = flood_with(&all, 4, 10, "/deny", |_| ANYBODY).await;
    assert_admitted(&answers, 12);
    let answers = flood_with(&all, 4, 10, "/deny", |_| ANYBODY).await;
    assert_admitted(&answers, 0);
}

/// Who has never heard of the store does not know its share, unless somebody has told.
#[actix_web::test]
async fn l15_started_without_the_store() {
    let mut redis = Redis::start();
    redis.kill();
    let unknowing = Process::new(&redis.url()).await;
    let told = Process::with(&redis.url(), Some(4)).await;
    for path in ["/deny", "/share"] {
        assert_eq!(unknowing.get(path, ANYBODY).await.status.as_u16(), 503);
    }
    assert_eq!(told.get("/deny", ANYBODY).await.status.as_u16(), 503);
    let told = [told];
    let answers = flood_with(&told, 2, 10, "/share", |_| ANYBODY).await;
    assert_admitted(&answers, 3);
}

/// A lease that was taken before is spent, and no longer than it lives.
#[actix_web::test]
async fn a_lease_outlives_the_store_by_a_second_at_most() {
    let mut redis = Redis::start();
    let all = processes(&redis.url(), 1).await;
    let answers = flood_with(&all, 4, 50, "/leased", |_| ANYBODY).await;
    assert_eq!(count(&answers, 200), 200);
    redis.kill();
    let answers = flood_with(&all, 1, 300, "/leased", |_| ANYBODY).await;
    let spent = count(&answers, 200);
    println!("{spent} spent after the store was gone");
    assert!(spent <= 100, "{spent}");
    assert_eq!(count(&answers, 503), 300 - spent);
    pause(1_000).await;
    assert_eq!(all[0].get("/leased", ANYBODY).await.status.as_u16(), 503);
}

/// L2: who waits as long as he is told is admitted, whichever of the quotas has denied first.
#[actix_web::test]
async fn l2_the_wait_is_that_of_all_quotas_that_are_counted_here() {
    let mut redis = Redis::start();
    let process = Process::with(&redis.url(), Some(1)).await;
    process.wait(1).await;
    let ann = Client {
        user: Some("ann"),
        ..ANYBODY
    };
    let mut waits = Vec::new();
    for (path, client) in [("/two-local", ann), ("/two-shares", ANYBODY)] {
        if path == "/two-shares" {
            redis.kill();
        }
        for _ in 0..2 {
            assert!(process.get(path, client).await.is_ok(), "{path}");
        }
        // One of the first has come back, and the last of the second goes.
        pause(600).await;
        assert!(process.get(path, client).await.is_ok(), "{path}");
        let refused = process.get(path, client).await;
        assert_eq!(refused.status.as_u16(), 429, "{path}");
        waits.push((path, refused.retry_after.unwrap()));
    }
    // One of three in an hour comes back each 20 minutes.
    assert!(waits.iter().all(|(_, wait)| *wait > 1_000), "{waits:?}");
}

/// L15: what is charged after the fact is charged to the share too, not to the whole quota.
#[actix_web::test]
async fn l15_a_meter_charges_the_share() {
    let mut redis = Redis::start();
    let process = Process::with(&redis.url(), Some(10)).await;
    process.wait(10).await;
    redis.kill();
    // Its share is 10 units at once, and 10 in an hour.
    let first = process.get("/metered-share/50", ANYBODY).await;
    assert!(first.is_ok());
    let next = process.get("/metered-share/50", ANYBODY).await;
    assert_eq!(next.status.as_u16(), 429, "51 units of 10 were used");
}

/// L15: where nobody is admitted without the store, what it missed is owed to this process as far
/// as that alone is more than a burst.
#[actix_web::test]
async fn l15_what_the_store_missed_is_owed_here_beyond_a_burst() {
    let mut redis = Redis::start();
    let process = Process::with(&redis.url(), Some(10)).await;
    process.wait(10).await;
    for client in [from(1), from(2)] {
        for _ in 0..30 {
            assert!(process.get("/metered-leased/0", client).await.is_ok());
        }
    }
    // Until the last of the leases is there.
    pause(50).await;
    redis.kill();
    let status = async |units: u32, client| {
        let path = format!("/metered-leased/{units}");
        process.get(&path, client).await.status.as_u16()
    };
    // Both are admitted from a lease, of which the charge takes the rest.
    assert_eq!(status(60, from(1)).await, 200);
    assert_eq!(status(0, from(1)).await, 503);
    assert_eq!(status(200, from(2)).await, 202);
    assert_eq!(status(0, from(2)).await, 429);
}
