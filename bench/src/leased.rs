//! A handler that shares its quota and its revocations in Redis, and waits for neither.
//!
//! The clock stands still, so that a lease ends with its requests only, and the store is asked for more
//! at the same requests in each run.

use std::{thread, time::Duration};

use actix_web::{HttpRequest, rt::System};
use futures_util::FutureExt;
use secure_runtime::{Clock, settings::RedisSettings, testing::Tokens};

use crate::{
    Case, admitted, policy_of, request_to_admit,
    rig::redis::Redis,
    security, settings,
    stacks::ours,
    whole::{Exchange, guarded},
};

/// So many admissions make a lease of which all that is measured is less than a half.
const BEFORE: usize = 8_000;

/// Times that these are tried.
const ATTEMPTS: usize = 100;

/// Whole requests with a server of their own.
pub(crate) fn case() -> Case {
    let redis = Redis::start().expect("a Redis");
    let (clock, hand) = Clock::manual();
    let tokens = Tokens::new(&clock);
    let mut settings = settings();
    settings.redis = Some(RedisSettings::new(redis.url().as_str()));
    let security = security(&clock, &tokens, settings);
    while security.revocations().age().is_none() || security.limits().instances().is_none() {
        thread::sleep(Duration::from_millis(10));
    }
    let token = tokens.token("customer-4711").role("admin").sign();
    let bearer = Some(format!("Bearer {token}"));
    let request = request_to_admit(&security, bearer.as_deref());
    let system = System::new();
    let policy = policy_of(&ours::read_shared);
    let fill = move |request: &HttpRequest| {
        let admits = |_| system.block_on(admitted(request, policy));
        // On a machine with other work to do a question may take too long.
        let is_full = (0..ATTEMPTS).any(|_| {
            let is_full = (0..BEFORE).all(admits);
            if !is_full {
                thread::sleep(Duration::from_millis(100));
            }
            is_full
        });
        assert!(is_full, "the Redis does not answer in time");
        // By then all that was charged has come back, as for a caller who stays far below his quota: what
        // the answers say of it does not change from one to the next.
        hand.advance(Duration::from_millis(100));
    };
    fill(&request);
    let Case(batch) = guarded(
        &security,
        ours::read_shared,
        Exchange::get("/items", bearer),
    );
    Case(Box::new(move || {
        // Ends with the last batch.
        let _ = &redis;
        if admitted(&request, policy).now_or_never() != Some(true) {
            fill(&request);
        }
        batch()
    }))
}
