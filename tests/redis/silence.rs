//! Servers and networks that go silent, slow or away, and lose nothing.

use std::time::Duration;

use crate::{
    instance::{BOUND, Instance, Verdict, eventually, pause},
    proxy::Proxy,
    server::Redis,
};

/// Asks for a while; every answer must be one of `allowed`.
async fn keeps_saying(instance: &Instance, name: &str, millis: u64, allowed: &[Verdict]) {
    for _ in 0..millis / 20 {
        for bound in [BOUND, Duration::ZERO] {
            let verdict = instance.verdict(name, bound).await;
            assert!(allowed.contains(&verdict), "{verdict:?}");
        }
        pause(20).await;
    }
}

const SAFE: &[Verdict] = &[Verdict::Refused, Verdict::Undecided];

#[actix_web::test]
async fn stopped_for_five_seconds() {
    let redis = Redis::start();
    let here = Instance::ready(&redis.url()).await;
    let there = Instance::ready(&redis.url()).await;
    redis.stop();
    // Not acknowledged, and known here all the same.
    here.revoke("a").await.unwrap_err();
    assert_eq!(here.decided("a", BOUND).await, Verdict::Refused);
    pause(BOUND.as_millis() as u64).await;
    keeps_saying(&there, "a", 4000, SAFE).await;
    assert_eq!(there.verdict("b", BOUND).await, Verdict::Undecided);
    // A route that says so goes on with what is known.
    assert_eq!(
        there.ask("/local", &there.token("b")).await,
        Verdict::Accepted
    );
    assert_eq!(here.ask("/local", &here.token("a")).await, Verdict::Refused);
    redis.go_on();
    there.wait().await;
    there.until_refused("a").await;
    assert_eq!(there.decided("b", BOUND).await, Verdict::Accepted);
}

/// Clients can fill its memory. A revocation is then not acknowledged, holds where it was made, and
/// makes nothing else of that process old or silent.
#[actix_web::test]
async fn without_memory_a_revocation_waits_and_all_else_goes_on() {
    let redis = Redis::start();
    let here = Instance::ready(&redis.url()).await;
    let there = Instance::ready(&redis.url()).await;
    redis.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    here.revoke("a").await.unwrap_err();
    assert_eq!(here.decided("a", BOUND).await, Verdict::Refused);
    let mut decided = 0;
    for _ in 0..50 {
        for bound in [BOUND, Duration::ZERO] {
            decided += u32::from(here.verdict("b", bound).await == Verdict::Accepted);
        }
        pause(40).await;
    }
    // On a busy machine a few may be late.
    assert!(decided > 80, "{decided} of 100");
    eventually("the stream is followed", || here.is_fresh(BOUND)).await;
    redis.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    there.until_refused("a").await;
}

#[actix_web::test]
async fn a_network_that_swallows_everything() {
    let redis = Redis::start();
    let proxy = Proxy::before(redis.port);
    let here = Instance::ready(&redis.url()).await;
    let there = Instance::ready(&proxy.url()).await;
    proxy.swallow(true);
    here.surely_revoke("a").await;
    pause(BOUND.as_millis() as u64).await;
    keeps_saying(&there, "a", 1500, SAFE).await;
    there.revoke("b").await.unwrap_err();
    proxy.swallow(false);
    there.wait().await;
    there.until_refused("a").await;
    // What could not be written then is written now.
    here.until_refused("b").await;
}

#[actix_web::test]
async fn connections_that_are_cut() {
    let redis = Redis::start();
    let proxy = Proxy::before(redis.port);
    let here = Instance::ready(&redis.url()).await;
    let there = Instance::ready(&proxy.url()).await;
    for number in 0..5 {
        proxy.cut(false);
        let name = format!("t{number}");
        here.surely_revoke(&name).await;
        assert!(there.until_refused(&name).await < BOUND);
        there.wait().await;
    }
    proxy.cut(true);
    here.surely_revoke("a").await;
    pause(BOUND.as_millis() as u64).await;
    keeps_saying(&there, "a", 500, SAFE).await;
    proxy.cut(false);
    there.wait().await;
    there.until_refused("a").await;
}

/// Slower than requests may wait, and still fast enough for the bound.
#[actix_web::test]
async fn a_network_that_is_slow() {
    let redis = Redis::start();
    let proxy = Proxy::before(redis.port);
    let here = Instance::ready(&redis.url()).await;
    let there = Instance::ready(&proxy.url()).await;
    proxy.delay(60);
    assert_eq!(there.verdict("b", Duration::ZERO).await, Verdict::Undecided);
    eventually("the stream is followed", || there.is_fresh(BOUND)).await;
    assert_eq!(there.decided("b", BOUND).await, Verdict::Accepted);
    here.surely_revoke("a").await;
    assert!(there.until_refused("a").await < BOUND);
    proxy.delay(0);
    there.wait().await;
    assert_eq!(there.decided("b", Duration::ZERO).await, Verdict::Accepted);
}

#[actix_web::test]
async fn a_stream_that_was_trimmed_meanwhile() {
    let redis = Redis::start();
    let proxy = Proxy::before(redis.port);
    let here = Instance::ready(&redis.url()).await;
    let there = Instance::ready(&proxy.url()).await;
    here.surely_revoke("old").await;
    there.until_refused("old").await;
    proxy.cut(true);
    here.surely_revoke("a").await;
    here.surely_revoke("b").await;
    let revocations = here.security.revocations();
    assert!(revocations.lift(&here.target("old")).await.unwrap());
    // The last line stays, the one before it is gone.
    redis.ask(&["XTRIM", "{test}:revocation:stream", "MAXLEN", "1"]);
    proxy.cut(false);
    there.wait().await;
    there.until_refused("a").await;
    there.until_refused("b").await;
    eventually("the lift is known", || there.is_fresh(BOUND)).await;
    assert_eq!(there.decided("old", BOUND).await, Verdict::Accepted);
    // All of it, under the eyes of both.
    redis.ask(&["DEL", "{test}:revocation:stream"]);
    here.surely_revoke("c").await;
    redis.ask(&["DEL", "{test}:revocation:stream"]);
    assert!(there.until_refused("c").await < BOUND);
}
