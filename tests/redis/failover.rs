//! A primary that becomes a replica under our hands.

use crate::{
    instance::{BOUND, Instance, Verdict, eventually, pause},
    server::Redis,
};

/// It loses a write of its own that the other one never had, and keeps its address.
#[actix_web::test]
async fn demoted_and_promoted_again() {
    let other = Redis::start();
    let redis = Redis::start();
    let here = Instance::ready(&redis.url()).await;
    let there = Instance::ready(&redis.url()).await;
    here.surely_revoke("a").await;
    there.until_refused("a").await;

    redis.ask(&["REPLICAOF", "127.0.0.1", &other.port.to_string()]);
    here.revoke("b").await.unwrap_err();
    eventually("a replica is not believed", || !there.is_fresh(BOUND)).await;
    assert_eq!(there.verdict("c", BOUND).await, Verdict::Undecided);
    eventually("it has become a copy", || {
        redis
            .ask(&["EXISTS", "{test}:revocation:entries"])
            .starts_with(":0")
    })
    .await;
    redis.ask(&["REPLICAOF", "NO", "ONE"]);

    let late = Instance::new(&redis.url()).await;
    while !late.is_fresh(BOUND) {
        assert_ne!(late.verdict("a", BOUND).await, Verdict::Accepted);
        pause(5).await;
    }
    for name in ["a", "b"] {
        late.until_refused(name).await;
        there.until_refused(name).await;
    }
}

/// Cut off from its replica it refuses writes, and who follows it notices.
#[actix_web::test]
async fn cut_off_from_its_replica() {
    let redis = Redis::with(&[
        "--min-replicas-to-write",
        "1",
        "--min-replicas-max-lag",
        "2",
    ]);
    let mut replica = Redis::with(&["--replicaof", "127.0.0.1", &redis.port.to_string()]);
    let here = Instance::ready(&redis.url()).await;
    assert_eq!(here.decided("a", BOUND).await, Verdict::Accepted);
    replica.kill();
    eventually("it is not believed", || !here.is_fresh(BOUND)).await;
    here.revoke("a").await.unwrap_err();
    replica.restart();
    here.wait().await;
    assert_eq!(here.decided("b", BOUND).await, Verdict::Accepted);
}
