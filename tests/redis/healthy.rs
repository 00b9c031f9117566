//! Without a fault.

use std::time::Duration;

use secure_runtime::{
    Clock,
    revocation::redis::{CutOff, Key, Level},
};

use crate::{
    instance::{BOUND, Instance, Verdict, eventually, pause, token},
    server::Redis,
};

#[tokio::test]
async fn a_revoked_token_is_refused_elsewhere() {
    let redis = Redis::start();
    let here = Instance::ready(&redis.url()).await;
    let there = Instance::ready(&redis.url()).await;

    let mut times = Vec::new();
    for number in 0..200 {
        let name = format!("t{number}");
        assert_eq!(there.verdict(&name, BOUND).await, Verdict::Accepted);
        here.revoke(&name).await.unwrap();
        assert_eq!(here.verdict(&name, BOUND).await, Verdict::Refused);
        assert_eq!(there.verdict(&name, Duration::ZERO).await, Verdict::Refused);
        times.push(there.until_refused(&name).await);
    }
    times.sort();
    println!(
        "refused elsewhere: median {:?}, p99 {:?}",
        times[100], times[198]
    );
    assert!(times[199] < BOUND);
}

#[tokio::test]
async fn who_starts_later_knows_all() {
    let redis = Redis::start();
    let here = Instance::ready(&redis.url()).await;
    for number in 0..2500 {
        here.revoke(&format!("t{number}")).await.unwrap();
    }
    here.store.lift(token("t7")).await.unwrap();
    let there = Instance::new(&redis.url());
    assert_eq!(there.verdict("t0", BOUND).await, Verdict::Undecided);
    there.wait().await;
    for number in 0..2500 {
        let expected = if number == 7 {
            Verdict::Accepted
        } else {
            Verdict::Refused
        };
        assert_eq!(
            there.verdict(&format!("t{number}"), BOUND).await,
            expected,
            "t{number}"
        );
    }
}

#[tokio::test]
async fn a_lift_is_followed() {
    let redis = Redis::start();
    let here = Instance::ready(&redis.url()).await;
    let there = Instance::ready(&redis.url()).await;
    assert_eq!(here.store.lift(token("a")).await, Ok(false));
    here.revoke("a").await.unwrap();
    there.until_refused("a").await;
    assert_eq!(here.store.lift(token("a")).await, Ok(true));
    assert_eq!(here.store.lift(token("a")).await, Ok(false));
    pause(400).await;
    for instance in [&here, &there] {
        assert_eq!(instance.verdict("a", BOUND).await, Verdict::Accepted);
        assert_eq!(
            instance.verdict("a", Duration::ZERO).await,
            Verdict::Accepted
        );
    }
    here.revoke("a").await.unwrap();
    there.until_refused("a").await;
}

/// The cut-off is the store's time, and the greatest one counts.
#[tokio::test]
async fn a_clock_that_is_wrong_changes_nothing() {
    let redis = Redis::start();
    // Stands still, some 10 months behind.
    let (clock, hand) = Clock::manual();
    let here = Instance::with_clock(&redis.url(), clock);
    let there = Instance::ready(&redis.url()).await;
    eventually("the store is followed", || here.store.age().is_some()).await;

    let subject = Key::new(Level::Subject, "https://id.example.com", "7");
    let keep_ms = 60_000;
    let now = CutOff::Now {
        ahead_ms: 0,
        keep_ms,
    };
    let record = here.store.publish(subject.clone(), now).await.unwrap();
    let true_now = Clock::system().unix_seconds() * 1000;
    assert!(record.cut_off_ms.abs_diff(true_now) < 5000);
    assert_eq!(record.forget_at_ms, record.cut_off_ms + keep_ms);
    assert!(here.store.clock_ahead_ms() > 0);

    let early = CutOff::At {
        cut_off_ms: 5,
        forget_at_ms: 9,
    };
    let unchanged = there.store.publish(subject.clone(), early).await.unwrap();
    assert_eq!(unchanged, record);
    let late = CutOff::Now {
        ahead_ms: 90_000,
        keep_ms: 120_000,
    };
    let raised = there.store.publish(subject, late).await.unwrap();
    assert!(raised.cut_off_ms >= record.cut_off_ms + 90_000);

    // A jump of the clock makes knowledge old, never new.
    hand.advance(Duration::from_secs(90));
    assert!(here.store.age().is_some_and(|age| age > BOUND));
    eventually("it is fresh again", || here.is_fresh(BOUND)).await;
}

#[tokio::test]
async fn a_user_with_a_password_and_few_rights() {
    let redis = Redis::start();
    let answer = redis.ask(&[
        "ACL",
        "SETUSER",
        "shop",
        "on",
        ">pass:word@",
        "~{test:revocation}:*",
        "-@all",
        "+eval",
        "+time",
        "+get",
        "+set",
        "+del",
        "+hget",
        "+hset",
        "+hdel",
        "+hmget",
        "+hexists",
        "+hincrby",
        "+hscan",
        "+zadd",
        "+zrem",
        "+zrangebyscore",
        "+xadd",
        "+xread",
        "+info",
        "+ping",
    ]);
    assert!(answer.starts_with("+OK"), "{answer}");
    let url = format!("redis://shop:pass%3Aword%40@127.0.0.1:{}", redis.port);
    let here = Instance::ready(&url).await;
    here.revoke("a").await.unwrap();
    assert!(!format!("{:?}", here.store).contains("word"));

    let stranger = Instance::new(&format!("redis://shop:wrong@127.0.0.1:{}", redis.port));
    pause(500).await;
    assert_eq!(stranger.verdict("b", BOUND).await, Verdict::Undecided);
}
