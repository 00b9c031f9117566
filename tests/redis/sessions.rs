//! Sessions of the token issuer, which processes share.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use secure_runtime::{
    Clock, SecretSlice, TokenIssuer,
    settings::{KeySource, TokenIssuerSettings},
    testing,
    tokens::{IssuedTokens, Subject, TokenError},
};

use crate::{
    instance::{Instance, LONGEST_WAIT, SLACK, Verdict, Watch, WrongClock, pause},
    server::Redis,
};

/// What all processes of one service are configured with.
fn settings() -> TokenIssuerSettings {
    let secret: Vec<u8> = (0..32_u8).map(|n| n.wrapping_mul(n) ^ 0x5a).collect();
    let mut settings = testing::token_issuer();
    settings.refresh_secret = Some(KeySource::Secret(SecretSlice::from(secret)));
    settings
}

async fn process(redis: &Redis, settings: &TokenIssuerSettings) -> Instance {
    with_clock(redis, settings, Clock::system()).await
}

async fn with_clock(redis: &Redis, issuer: &TokenIssuerSettings, clock: Clock) -> Instance {
    let instance = Instance::with(&redis.url(), clock, |settings| {
        settings.token_issuer = Some(issuer.clone());
    })
    .await;
    instance.wait().await;
    instance
}

fn issuer(instance: &Instance) -> &TokenIssuer {
    instance.security.token_issuer().unwrap()
}

async fn open(instance: &Instance) -> IssuedTokens {
    let subject = Subject::new("ann", "web");
    issuer(instance).open_session(subject).await.unwrap()
}

async fn refresh(instance: &Instance, tokens: &IssuedTokens) -> Result<IssuedTokens, TokenError> {
    issuer(instance).refresh(tokens.refresh_token()).await
}

/// Until the process has heard of it, which takes less than the bound of the route.
async fn until_refused(instance: &Instance, tokens: &IssuedTokens) {
    let start = Instant::now();
    while instance.bear(tokens.access_token()).await != Verdict::Refused {
        assert!(start.elapsed() < Duration::from_secs(2));
        pause(2).await;
    }
}

#[actix_web::test]
async fn a_session_of_one_process_goes_on_in_another() {
    let redis = Redis::start();
    let settings = settings();
    let (here, there) = (
        process(&redis, &settings).await,
        process(&redis, &settings).await,
    );
    let first = open(&here).await;
    assert_eq!(there.bear(first.access_token()).await, Verdict::Accepted);
    let second = refresh(&there, &first).await.unwrap();
    let third = refresh(&here, &second).await.unwrap();
    assert_eq!(third.session_id(), first.session_id());
    drop((here, there));
    // All of them are gone, and a new one goes on.
    let later = process(&redis, &settings).await;
    let fourth = refresh(&later, &third).await.unwrap();
    assert_eq!(later.bear(fourth.access_token()).await, Verdict::Accepted);
    assert_eq!(issuer(&later).sessions("ann").await.unwrap().len(), 1);
}

#[actix_web::test]
async fn reuse_in_one_process_ends_the_session_in_all() {
    let redis = Redis::start();
    let settings = settings();
    let (here, there) = (
        process(&redis, &settings).await,
        process(&redis, &settings).await,
    );
    let stolen = open(&here).await;
    let second = refresh(&here, &stolen).await.unwrap();
    let third = refresh(&here, &second).await.unwrap();
    let reused = refresh(&there, &stolen).await;
    assert!(matches!(reused, Err(TokenError::Reused)), "{reused:?}");
    for tokens in [&stolen, &second, &third] {
        until_refused(&here, tokens).await;
        let outcome = refresh(&here, tokens).await;
        assert!(matches!(outcome, Err(TokenError::Invalid)), "{outcome:?}");
    }
}

/// A hundred at once, half of them in each of two processes: there is one successor.
#[actix_web::test]
async fn concurrent_refreshes_of_two_processes_have_one_successor() {
    let redis = Redis::start();
    let settings = settings();
    let processes = [
        process(&redis, &settings).await,
        process(&redis, &settings).await,
    ];
    for _ in 0..5 {
        let tokens = open(&processes[0]).await;
        let refreshes = (0..100).map(|n| refresh(&processes[n % 2], &tokens));
        let outcomes = join_all(refreshes).await;
        let successors: HashSet<_> = outcomes
            .iter()
            .map(|outcome| outcome.as_ref().unwrap().refresh_token().expose())
            .collect();
        assert_eq!(successors.len(), 1);
    }
}

#[actix_web::test]
async fn ended_in_one_process_is_ended_in_all() {
    let redis = Redis::start();
    let settings = settings();
    let (here, there) = (
        process(&redis, &settings).await,
        process(&redis, &settings).await,
    );
    let tokens = [open(&here).await, open(&there).await];
    issuer(&here).end_sessions("ann").await.unwrap();
    for tokens in &tokens {
        until_refused(&there, tokens).await;
        let outcome = refresh(&there, tokens).await;
        assert!(matches!(outcome, Err(TokenError::Invalid)), "{outcome:?}");
    }
    // What revokes the subject in one is no less for the sessions of the other.
    let again = open(&there).await;
    pause(2).await;
    let revocations = here.security.revocations();
    revocations
        .revoke_subject("https://self.test", "ann")
        .await
        .unwrap();
    let outcome = refresh(&there, &again).await;
    assert!(matches!(outcome, Err(TokenError::Revoked)), "{outcome:?}");
}

/// Nobody waits, no token is spent for nothing, and afterwards all is as before.
#[actix_web::test]
async fn while_redis_is_silent_a_refresh_token_stays_good() {
    let redis = Redis::start();
    let settings = settings();
    let process = process(&redis, &settings).await;
    let tokens = open(&process).await;
    redis.stop();
    for _ in 0..10 {
        let watch = Watch::start();
        let outcome = refresh(&process, &tokens).await;
        assert!(matches!(outcome, Err(TokenError::Undecided)), "{outcome:?}");
        let subject = Subject::new("bob", "web");
        let outcome = issuer(&process).open_session(subject).await;
        assert!(matches!(outcome, Err(TokenError::Undecided)), "{outcome:?}");
        assert!(watch.took() < LONGEST_WAIT * 2 + SLACK);
    }
    redis.go_on();
    process.wait().await;
    let next = refresh(&process, &tokens).await.unwrap();
    assert_eq!(process.bear(next.access_token()).await, Verdict::Accepted);
}

/// A token issued right after a revocation is good, and one of before is not, whatever the clocks
/// of the processes say: both times are those of the server.
#[actix_web::test]
async fn wrong_clocks_do_not_part_tokens_from_cut_offs() {
    let redis = Redis::start();
    let settings = settings();
    let (ahead, behind) = (WrongClock::by(20), WrongClock::by(-20));
    let ahead = with_clock(&redis, &settings, ahead.clock.clone()).await;
    let behind = with_clock(&redis, &settings, behind.clock.clone()).await;
    for (here, there) in [(&ahead, &behind), (&behind, &ahead)] {
        let before = open(here).await;
        pause(50).await;
        let revocations = there.security.revocations();
        revocations
            .revoke_subject("https://self.test", "ann")
            .await
            .unwrap();
        pause(50).await;
        let after = open(here).await;
        until_refused(here, &before).await;
        until_refused(there, &before).await;
        for process in [here, there] {
            assert_eq!(process.bear(after.access_token()).await, Verdict::Accepted);
        }
        assert!(refresh(there, &after).await.is_ok());
    }
}
