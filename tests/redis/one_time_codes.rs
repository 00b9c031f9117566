//! Codes of authenticator apps, good once in all processes together.

use std::time::{Duration, Instant};

use actix_web::{ResponseError, http::header};
use secure_runtime::{
    Clock, Refusal,
    otp::{OneTimeCode, OtpSecret},
    testing::one_time_code,
};

use crate::{
    instance::{BOUND, Instance, eventually, pause},
    server::Redis,
};

fn code_of(secret: &OtpSecret) -> OneTimeCode {
    OneTimeCode::from(&*one_time_code(secret, &Clock::system()))
}

/// G10: whoever is first, wherever, is the only one.
#[actix_web::test]
async fn g10_a_code_is_good_once_in_all_processes() {
    let mut redis = Redis::start();
    let here = Instance::ready(&redis.url()).await;
    let there = Instance::ready(&redis.url()).await;
    was_whole_for(&redis, 300);
    for _ in 0..20 {
        let secret = OtpSecret::new().unwrap();
        let code = code_of(&secret);
        let attempts = (0..16).map(|n| {
            let instance = if n % 2 == 0 { &here } else { &there };
            instance.security.one_time_codes().verify(&secret, &code)
        });
        let good = futures_util::future::join_all(attempts).await;
        let good = good.into_iter().filter(|good| *good.as_ref().unwrap());
        assert_eq!(good.count(), 1);
    }

    // Nobody has looked yet at what another memory has lost, and without the store nobody knows
    // whether a code was used.
    redis.ask(&["HSET", "{test}:revocation:state", "run", "another"]);
    for _ in 0..2 {
        let secret = OtpSecret::new().unwrap();
        let code = code_of(&secret);
        let refused = here.security.one_time_codes().verify(&secret, &code).await;
        assert_eq!(refused.unwrap_err().refusal(), Refusal::Undecided);
        redis.kill();
    }
}

/// Seconds for which a code is shown.
const STEP: u64 = 30;

/// A code that may have been used before something was lost is taken nowhere, whatever the clocks of
/// the processes are, and the first one that cannot have been is.
#[actix_web::test]
async fn g10_a_code_that_the_store_may_have_lost_is_taken_nowhere() {
    for (ahead, kind) in [
        (0, "FLUSHALL"),
        (600, "FLUSHALL"),
        (0, "kill"),
        (0, "kill -9"),
    ] {
        let mut redis = match kind {
            // What it had is on the disk, and that it is all of it nobody can know.
            "kill" => Redis::durable(),
            _ => Redis::start(),
        };
        let (clock, hand) = Clock::manual();
        let now = Clock::system().unix_seconds() + ahead;
        // The end of a step: what the test itself takes must not be one.
        let step = now / STEP + 1;
        hand.advance(Duration::from_secs(step * STEP + 29 - clock.unix_seconds()));
        let here = Instance::with(&redis.url(), clock.clone(), |_| {}).await;
        let there = Instance::with(&redis.url(), clock.clone(), |_| {}).await;
        for instance in [&here, &there] {
            eventually("it is followed", || instance.is_fresh(BOUND)).await;
        }
        was_whole_for(&redis, 300);
        let secret = OtpSecret::new().unwrap();
        let code = |step: u64| {
            let (clock, hand) = Clock::manual();
            hand.advance(Duration::from_secs(step * STEP - clock.unix_seconds()));
            OneTimeCode::from(&*one_time_code(&secret, &clock))
        };
        let verify =
            async |instance: &Instance, code: &OneTimeCode| decided(instance, &secret, code).await;
        assert_eq!(verify(&here, &code(step)).await, Ok(true));

        match kind {
            "FLUSHALL" => drop(redis.ask(&["FLUSHALL"])),
            "kill" => {
                redis.kill();
                redis.restart();
            }
            _ => {
                redis.kill();
                redis.restart_empty();
            }
        }
        // The process that took it knows, without the store.
        assert_eq!(verify(&here, &code(step)).await, Ok(false), "{kind}");
        let expected = match kind {
            "kill" => Ok(false),
            _ => Err(61),
        };
        assert_eq!(verify(&there, &code(step)).await, expected, "{kind}");
        // That of the next step may have been taken as well, from a phone that is ahead.
        for instance in [&here, &there] {
            assert_eq!(verify(instance, &code(step + 1)).await, Err(61), "{kind}");
        }
        let pass = |seconds: u64| {
            hand.advance(Duration::from_secs(seconds));
            was_whole_for(&redis, seconds);
        };
        pass(60);
        for early in [step + 1, step + 2] {
            assert_eq!(verify(&there, &code(early)).await, Err(1), "{kind}");
        }
        // Whoever waits as long as he is told has a code that is good, once.
        pass(1);
        assert_eq!(verify(&there, &code(step + 2)).await, Err(1), "{kind}");
        assert_eq!(verify(&there, &code(step + 3)).await, Ok(true), "{kind}");
        assert_eq!(verify(&here, &code(step + 3)).await, Ok(false), "{kind}");
    }
}

/// As if so many seconds more had passed since something was lost.
fn was_whole_for(redis: &Redis, seconds: u64) {
    let state = "{test}:revocation:state";
    let millis = format!("-{}", seconds * 1_000);
    let answer = redis.ask(&["HINCRBY", state, "opened", &millis]);
    assert!(answer.starts_with(':'), "{answer}");
}

/// Whether the code is taken; else the seconds to wait, once somebody has looked at what is lost.
async fn decided(instance: &Instance, secret: &OtpSecret, code: &OneTimeCode) -> Result<bool, u64> {
    let start = Instant::now();
    loop {
        let answer = instance
            .security
            .one_time_codes()
            .verify(secret, code)
            .await;
        let refused = match answer {
            Ok(is_good) => return Ok(is_good),
            Err(refused) => refused,
        };
        assert_eq!(refused.refusal(), Refusal::Undecided);
        let response = refused.error_response();
        let wait = response.headers().get(header::RETRY_AFTER).unwrap();
        let wait = wait.to_str().unwrap().parse().unwrap();
        // The store does not answer yet, or was emptied a moment ago.
        if wait != 2 {
            return Err(wait);
        }
        assert!(start.elapsed() < Duration::from_secs(20));
        pause(5).await;
    }
}
