//! A store that dies, hangs, is full or says no: never more attempts than allowed, and nobody waits.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use secure_runtime::{Refusal, testing::TestService};
use tokio::sync::watch;

use super::{CHECKS, GATE, attempt, insists, process, process_at, reads_revocations, ready, tries};
use crate::{instance::pause, server::Redis};

/// The store dies after it has counted and before the handlers answer: what they answer is lost,
/// and every attempt stays a failure.
#[actix_web::test]
async fn killed_between_the_count_and_the_answer() {
    for password in ["slow right", "slow broken", "slow wrong"] {
        // Again where the machine is so busy that not all five were let through.
        let (mut redis, service, answers) = loop {
            let mut redis = Redis::durable();
            let service = process(&redis).await;
            let (open, gate) = watch::channel(false);
            GATE.set(Some(gate));
            let attempts = join_all((0..5).map(|_| tries(&service, "ann", password)));
            let dies = async {
                let start = Instant::now();
                while CHECKS.get() < 5 && start.elapsed() < Duration::from_secs(3) {
                    pause(5).await;
                }
                redis.kill();
                open.send(true).unwrap();
            };
            let (answers, ()) = tokio::join!(attempts, dies);
            if CHECKS.get() == 5 {
                break (redis, service, answers);
            }
        };
        let expected = match password {
            "slow right" => 204,
            "slow broken" => 500,
            _ => 401,
        };
        // Whoever was right is let in: the store's silence is not his fault.
        assert!(
            answers.iter().all(|answer| answer.status() == expected),
            "{password}"
        );
        assert_eq!(CHECKS.take(), 5);

        let refused = tries(&service, "ann", "right").await;
        refused.assert_refused(Refusal::Undecided);
        assert_eq!(refused.header("retry-after"), Some("2"));
        redis.restart();
        ready(&service).await;
        for _ in 0..10 {
            let (answer, _) = insists(&service, "ann", "right").await;
            assert_eq!(answer.status(), 401, "{password}");
        }
        assert_eq!(CHECKS.take(), 0);
    }
}

/// The same where the route goes on alone: each process has the number once more, and no more.
#[actix_web::test]
async fn killed_between_the_count_and_the_answer_where_the_route_goes_on() {
    let mut redis = Redis::durable();
    let services = [process(&redis).await, process(&redis).await];
    let asks = |service, password| attempt(service, "/again", "ann", password, None);
    for service in &services {
        reads_revocations(service).await;
    }
    let (open, gate) = watch::channel(false);
    GATE.set(Some(gate));
    let attempts = join_all((0..5).map(|number| asks(&services[number % 2], "slow wrong")));
    let dies = async {
        let start = Instant::now();
        while CHECKS.get() < 5 && start.elapsed() < Duration::from_secs(2) {
            pause(5).await;
        }
        redis.kill();
        open.send(true).unwrap();
    };
    tokio::join!(attempts, dies);
    assert!(CHECKS.take() <= 5);
    for service in &services {
        for _ in 0..20 {
            let answer = asks(service, "wrong").await;
            assert!(matches!(answer.status().as_u16(), 401 | 503));
        }
        let checks = CHECKS.take();
        assert!((1..=5).contains(&checks), "{checks}");
    }
    // What was counted before is still counted, and what was judged alone is not.
    redis.restart();
    ready(&services[0]).await;
    let (mut refused, start) = (0, Instant::now());
    while refused < 5 {
        assert!(start.elapsed() < Duration::from_secs(15));
        let answer = asks(&services[0], "wrong").await;
        refused += usize::from(answer.status() == 401);
    }
    assert!(CHECKS.take() <= 5);
}

/// The store dies at whatever moment of forty attempts at a time: no more than five are checked,
/// before that and after it.
#[actix_web::test]
async fn killed_at_any_moment() {
    for round in 0..8 {
        let mut redis = Redis::durable();
        let services = [process(&redis).await, process(&redis).await];
        let attempts = (0..40).map(|number| {
            let service = &services[number % 2];
            async move {
                pause(number as u64 / 4).await;
                tries(service, "ann", "wrong").await
            }
        });
        let attempts = join_all(attempts);
        let dies = async {
            pause(round).await;
            redis.kill();
        };
        let (answers, ()) = tokio::join!(attempts, dies);
        for answer in &answers {
            let status = answer.status().as_u16();
            assert!(matches!(status, 401 | 503), "{round}: {status}");
        }
        let before = CHECKS.get();
        redis.restart();
        for service in &services {
            let start = Instant::now();
            while service.security().logins().state("nobody").await.is_err() {
                assert!(start.elapsed() < Duration::from_secs(15));
                pause(10).await;
            }
            for _ in 0..10 {
                assert_eq!(insists(service, "ann", "wrong").await.0.status(), 401);
            }
        }
        let checks = CHECKS.take();
        assert!(checks <= 5, "{round}: {before} before, {checks} in all");
    }
}

/// A store that hangs: refused within its time limit, unless the route goes on alone.
#[actix_web::test]
async fn a_silent_store_checks_nothing_or_counts_here() {
    let redis = Redis::start();
    let service = process(&redis).await;
    redis.stop();
    for _ in 0..10 {
        let start = Instant::now();
        let refused = tries(&service, "ann", "right").await;
        refused.assert_refused(Refusal::Undecided);
        assert_eq!(refused.header("retry-after"), Some("2"));
        assert!(
            start.elapsed() < Duration::from_millis(500),
            "{:?}",
            start.elapsed()
        );
    }
    assert_eq!(CHECKS.take(), 0);
    for _ in 0..20 {
        let answer = attempt(&service, "/again", "ann", "wrong", None).await;
        assert!(matches!(answer.status().as_u16(), 401 | 503));
    }
    let checks = CHECKS.take();
    assert!(checks <= 5, "{checks}");
    redis.go_on();
    ready(&service).await;
    // What is asked of the route alone was never told the store.
    assert_eq!(insists(&service, "ann", "right").await.0.status(), 204);
}

/// No attempt is checked, and what only reads is answered between them.
async fn refuses_logins(service: &TestService) {
    let mut answered = 0;
    for round in 0..10 {
        for attempt in 0..4 {
            let refused = tries(service, &format!("{round} {attempt}"), "wrong").await;
            refused.assert_refused(Refusal::Undecided);
        }
        let state = service.security().logins().state("nobody").await;
        answered += usize::from(state.is_ok());
    }
    // On a busy machine one may be late.
    assert!(answered >= 8, "{answered}");
    assert_eq!(CHECKS.take(), 0);
}

/// What most of ten requests are answered.
async fn mostly(service: &TestService, path: &str) -> u16 {
    let mut statuses = Vec::new();
    for _ in 0..10 {
        statuses.push(service.get(path).send().await.status().as_u16());
    }
    statuses.sort_unstable();
    // On a busy machine a few may be late.
    assert_eq!(statuses[3], statuses[6], "{path}: {statuses:?}");
    statuses[5]
}

/// Has a part of the server's memory in use, in hundredths.
fn fill(redis: &Redis, hundredths: usize) {
    let facts = redis.ask(&["INFO", "memory"]);
    let used = facts
        .lines()
        .find_map(|line| line.strip_prefix("used_memory:"));
    let used: usize = used.unwrap().trim().parse().unwrap();
    let most = (used * 100 / hundredths).to_string();
    let answer = redis.ask(&["CONFIG", "SET", "maxmemory", &most]);
    assert!(answer.starts_with("+OK"), "{answer}");
}

/// Clients can fill the memory of the store, account by account. Before it is full logins are
/// refused, and nothing else is.
#[actix_web::test]
async fn a_full_store_refuses_logins_and_answers_everybody_else() {
    let redis = Redis::start();
    let service = process(&redis).await;
    // So much that what connections take and give back meanwhile does not matter.
    redis.ask(&["SETRANGE", "ballast", "50000000", "x"]);
    fill(&redis, 85);
    assert_eq!(insists(&service, "ann", "right").await.0.status(), 204);
    CHECKS.take();

    fill(&redis, 95);
    refuses_logins(&service).await;
    // Unless the policy says that the process goes on alone.
    reads_revocations(&service).await;
    let answer = attempt(&service, "/again", "bob", "wrong", None).await;
    assert_eq!((answer.status().as_u16(), CHECKS.take()), (401, 1));
    for path in ["/counted", "/share", "/alone"] {
        assert_eq!(mostly(&service, path).await, 204, "{path}");
    }
    // A server that makes room by itself is always full.
    redis.ask(&["CONFIG", "SET", "maxmemory-policy", "volatile-ttl"]);
    assert_eq!(insists(&service, "ann", "right").await.0.status(), 204);
}

/// Whoever else fills the memory to its end: nothing can be counted. That refuses what counts,
/// unless its policy says otherwise, and nothing else: the connection that all parts ask over stays.
#[actix_web::test]
async fn a_store_without_memory_counts_nothing_and_answers_what_it_is_asked() {
    let redis = Redis::start();
    let service = process(&redis).await;
    redis.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    refuses_logins(&service).await;
    assert_eq!(mostly(&service, "/counted").await, 503);
    assert_eq!(mostly(&service, "/share").await, 204);
    assert_eq!(mostly(&service, "/alone").await, 204);
    redis.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(insists(&service, "ann", "right").await.0.status(), 204);
    assert_eq!(mostly(&service, "/counted").await, 204);
}

/// A user of the server that lacks a right: what needs it is refused, and nothing else is. The
/// connection that all parts ask over stays, and is used again for them as soon as the right is
/// given.
#[actix_web::test]
async fn a_user_without_a_right_refuses_logins_and_answers_everybody_else() {
    let redis = Redis::start();
    redis.add_user("shop", "secret", "secure");
    let service = process_at(&format!("redis://shop:secret@127.0.0.1:{}", redis.port)).await;
    assert_eq!(insists(&service, "ann", "right").await.0.status(), 204);
    CHECKS.take();

    // What counts needs it, and what only looks does not.
    redis.ask(&["ACL", "SETUSER", "shop", "-set"]);
    refuses_logins(&service).await;
    assert_eq!(mostly(&service, "/counted").await, 503);
    assert_eq!(mostly(&service, "/alone").await, 204);
    assert!(redis.ask(&["ACL", "LOG"]).contains("set"));
    redis.ask(&["ACL", "SETUSER", "shop", "+set"]);
    assert_eq!(insists(&service, "ann", "right").await.0.status(), 204);
}
