//! Servers that lose what they had acknowledged.

use std::time::Duration;

use crate::{
    instance::{BOUND, Instance, Verdict, eventually, pause},
    server::Redis,
};

/// Never accepts `name`, until the store is believed again; then refuses it.
async fn is_never_accepted(instance: &Instance, name: &str) {
    loop {
        for bound in [BOUND, Duration::ZERO] {
            assert_ne!(instance.verdict(name, bound).await, Verdict::Accepted);
        }
        if instance.is_well().await {
            break;
        }
        pause(5).await;
    }
    instance.until_refused(name).await;
    assert_eq!(
        instance.verdict(name, Duration::ZERO).await,
        Verdict::Refused
    );
}

#[actix_web::test]
async fn killed_and_restarted_with_its_data() {
    let mut redis = Redis::durable();
    let here = Instance::ready(&redis.url()).await;
    let there = Instance::ready(&redis.url()).await;
    here.revoke("a").await.unwrap();
    redis.kill();
    here.revoke("b").await.unwrap_err();
    pause(BOUND.as_millis() as u64 + 100).await;
    assert_eq!(there.verdict("c", BOUND).await, Verdict::Undecided);
    redis.restart();
    let late = Instance::new(&redis.url()).await;
    is_never_accepted(&late, "a").await;
    there.wait().await;
    there.until_refused("b").await;
    assert_eq!(there.verdict("c", BOUND).await, Verdict::Accepted);
    assert_eq!(late.verdict("c", Duration::ZERO).await, Verdict::Accepted);
}

/// Who starts against the emptied store learns from those who lived on.
#[actix_web::test]
async fn killed_and_restarted_with_nothing() {
    let mut redis = Redis::start();
    let here = Instance::ready(&redis.url()).await;
    let there = Instance::ready(&redis.url()).await;
    here.revoke("a").await.unwrap();
    there.until_refused("a").await;
    drop(here);
    redis.kill();
    redis.restart_empty();
    let late = Instance::new(&redis.url()).await;
    is_never_accepted(&late, "a").await;
    is_never_accepted(&there, "a").await;
}

#[actix_web::test]
async fn emptied_under_our_hands() {
    let redis = Redis::start();
    let here = Instance::ready(&redis.url()).await;
    let there = Instance::ready(&redis.url()).await;
    for number in 0..500 {
        here.revoke(&format!("t{number}")).await.unwrap();
    }
    there.until_refused("t499").await;
    redis.ask(&["FLUSHALL"]);
    // Accepted at once by the emptied store, and told to everybody.
    here.revoke("a").await.unwrap();
    let late = Instance::new(&redis.url()).await;
    is_never_accepted(&late, "t0").await;
    is_never_accepted(&there, "a").await;
    for number in 0..500 {
        let name = format!("t{number}");
        for instance in [&here, &there, &late] {
            assert_eq!(instance.verdict(&name, BOUND).await, Verdict::Refused);
        }
        assert_eq!(late.verdict(&name, Duration::ZERO).await, Verdict::Refused);
    }
}

/// A part is missing, in every way that somebody or the server's eviction can make it so.
#[actix_web::test]
async fn one_key_is_evicted() {
    let redis = Redis::start();
    let here = Instance::ready(&redis.url()).await;
    let there = Instance::ready(&redis.url()).await;
    here.revoke("a").await.unwrap();
    there.until_refused("a").await;
    redis.ask(&["DEL", "{test}:revocation:state"]);
    eventually("that is noticed", || {
        !there.is_fresh(Duration::from_millis(600))
    })
    .await;
    there.wait().await;
    here.revoke("b").await.unwrap();
    there.until_refused("b").await;
    assert_eq!(there.verdict("a", Duration::ZERO).await, Verdict::Refused);
}
