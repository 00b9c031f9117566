//! Logins that processes share: counted together, and never more often than allowed when the
//! store goes away.

use std::{
    cell::{Cell, RefCell},
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU32,
    time::{Duration, Instant},
};

use actix_web::{HttpResponse, post, web};
use futures_util::future::join_all;
use secure_runtime::{
    Refusal, Routes, Settings, secured,
    settings::{KeySource, RedisSettings},
    testing::{TestResponse, TestService},
};
use serde_json::json;
use tokio::sync::watch;

use crate::{
    instance::{eventually, pause},
    server::Redis,
};

#[derive(serde::Deserialize, garde::Validate)]
#[garde(allow_unvalidated)]
struct Form {
    name: String,
    password: String,
}

thread_local! {
    static CHECKS: Cell<usize> = const { Cell::new(0) };
    /// What slow checks wait for.
    static GATE: RefCell<Option<watch::Receiver<bool>>> = const { RefCell::new(None) };
}

async fn check(form: &Form) -> HttpResponse {
    CHECKS.set(CHECKS.get() + 1);
    let gate = GATE.with_borrow(Clone::clone);
    if let (Some(mut gate), true) = (gate, form.password.starts_with("slow")) {
        gate.wait_for(|open| *open).await.unwrap();
    }
    match form.password.trim_start_matches("slow ") {
        "right" => HttpResponse::NoContent().finish(),
        "broken" => HttpResponse::InternalServerError().finish(),
        _ => HttpResponse::Unauthorized().finish(),
    }
}

#[secured(public, rate = "10000/s per ip", login(account = form.name, attempts = "5/15min"))]
#[post("/login")]
async fn login(form: web::Json<Form>) -> HttpResponse {
    check(&form).await
}

#[secured(
    rate = ["10000/s per ip"],
    outage = "local",
    login(account = form.name, attempts = "5/15min")
)]
#[post("/again")]
async fn again(form: web::Json<Form>) -> HttpResponse {
    check(&form).await
}

fn routes(routes: &mut Routes) {
    routes.service(login).service(again);
}

/// A process of a service, as far as logins are concerned.
async fn process(redis: &Redis) -> TestService {
    process_at(&redis.url()).await
}

async fn process_at(url: &str) -> TestService {
    let mut settings = Settings::default();
    settings.danger.plaintext = true;
    settings.redis = Some(RedisSettings::new(url));
    // Else a process that has just started knows no share of the quotas to go on with alone.
    settings.limits.instances = NonZeroU32::new(2);
    settings.login.secret = Some(KeySource::Secret(vec![7; 32].into()));
    let service = TestService::with(routes, |security| security.settings(settings)).await;
    ready(&service).await;
    service
}

async fn ready(service: &TestService) {
    let start = Instant::now();
    while service.security().logins().state("nobody").await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(15));
        pause(10).await;
    }
    CHECKS.take();
}

/// Until the process could do without the store as far as revocations are concerned.
async fn reads_revocations(service: &TestService) {
    let read = || service.security().revocations().age().is_some();
    eventually("revocations are read", read).await;
}

async fn tries(service: &TestService, name: &str, password: &str) -> TestResponse {
    attempt(service, "/login", name, password, None).await
}

/// As often as it takes, where the machine is so busy that a healthy store is late. What was late
/// may have been counted.
async fn insists(service: &TestService, name: &str, password: &str) -> (TestResponse, usize) {
    let mut late = 0;
    loop {
        let answer = tries(service, name, password).await;
        if answer.status() != 503 {
            return (answer, late);
        }
        late += 1;
        pause(100).await;
    }
}

async fn attempt(
    service: &TestService,
    path: &str,
    name: &str,
    password: &str,
    cookie: Option<&str>,
) -> TestResponse {
    let mut call = service.post(path).subject("ann");
    // Whoever guesses at another account sits elsewhere.
    let place = name.bytes().next().unwrap_or(1);
    call = call.peer(IpAddr::V4(Ipv4Addr::new(192, 0, 2, place)));
    if let Some(cookie) = cookie {
        call = call.header("cookie", cookie);
    }
    call.json(json!({ "name": name, "password": password }))
        .send()
        .await
}

/// Failures, successes and known devices are known in every process.
#[actix_web::test]
async fn g5_processes_count_together() {
    let redis = Redis::start();
    let (here, there) = (process(&redis).await, process(&redis).await);
    let (success, _) = insists(&here, "ann", "right").await;
    assert_eq!(success.status(), 204);
    CHECKS.take();
    let cookie = success.header("set-cookie").unwrap();
    let cookie = cookie.split(';').next().unwrap();
    let mut late = 0;
    for number in 0..9 {
        let service = if number % 2 == 0 { &here } else { &there };
        let (answer, more) = insists(service, "ann", "wrong").await;
        answer.assert_refused(Refusal::LoginFailed);
        late += more;
    }
    let checks = CHECKS.take();
    assert!(checks <= 5 && checks + late >= 5, "{checks}, {late} late");
    for service in [&here, &there] {
        assert_eq!(insists(service, "ann", "right").await.0.status(), 401);
        let state = service.security().logins().state("ANN").await.unwrap();
        assert_eq!(state.failures, 5);
        assert!(
            state
                .locked_for
                .is_some_and(|wait| wait > Duration::from_secs(1700))
        );
    }
    assert_eq!(CHECKS.take(), 0);
    let known = attempt(&there, "/login", "ann", "right", Some(cookie)).await;
    assert_eq!(known.status(), 204);
    // Its success has cleared the account, everywhere; but not what this network did to it.
    let state = here.security().logins().state("ann").await.unwrap();
    assert_eq!((state.failures, state.locked_for), (0, None));
    assert_eq!(insists(&here, "ann", "right").await.0.status(), 401);
    there.security().logins().enable("ann").await.unwrap();
    pause(2).await;
    assert_eq!(insists(&here, "ann", "right").await.0.status(), 204);
}

/// Attempts at a time, in two processes: as many are checked as are allowed.
#[actix_web::test]
async fn g5_attempts_at_a_time_are_no_more_than_the_number() {
    let redis = Redis::start();
    let services = [process(&redis).await, process(&redis).await];
    let (open, gate) = watch::channel(false);
    GATE.set(Some(gate));
    let attempts = (0..40).map(|number| tries(&services[number % 2], "ann", "slow guess"));
    let attempts = join_all(attempts);
    let opens = async {
        pause(300).await;
        open.send(true).unwrap();
    };
    let (answers, ()) = tokio::join!(attempts, opens);
    assert!(answers.iter().all(|answer| answer.status() != 204));
    let checks = CHECKS.take();
    assert!((1..=5).contains(&checks), "{checks}");
}

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

/// Clients can fill the memory of the store, account by account. Then logins are refused, and
/// nothing else is: the connection that all parts ask over stays.
#[actix_web::test]
async fn a_full_store_refuses_logins_and_answers_everybody_else() {
    let redis = Redis::start();
    let service = process(&redis).await;
    assert!(
        redis
            .ask(&["CONFIG", "SET", "maxmemory", "1"])
            .starts_with("+OK")
    );
    let mut answered = 0;
    for round in 0..10 {
        for attempt in 0..4 {
            let refused = tries(&service, &format!("{round} {attempt}"), "wrong").await;
            refused.assert_refused(Refusal::Undecided);
        }
        let state = service.security().logins().state("nobody").await;
        answered += usize::from(state.is_ok());
    }
    // On a busy machine one may be late.
    assert!(answered >= 8, "{answered}");
    assert_eq!(CHECKS.take(), 0);
    redis.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(insists(&service, "ann", "right").await.0.status(), 204);
}

/// A user of the server that lacks a right: logins are refused, and nothing else is. The connection
/// that all parts ask over stays, and is used again for them as soon as the right is given.
#[actix_web::test]
async fn a_user_without_a_right_refuses_logins_and_answers_everybody_else() {
    let redis = Redis::start();
    // All that the settings ask for, and no more.
    let rights = "+del +eval +evalsha +exists +expire +get +hdel +hexists +hget +hincrby +hlen \
        +hmget +hscan +hset +info +lindex +llen +lrem +ltrim +mget +pexpire +ping +rpush \
        +script|load +set +time +xadd +xread +zadd +zcard +zrange +zrangebyscore +zrem \
        +zremrangebyscore +zrevrange +zscore";
    let mut user = vec!["ACL", "SETUSER", "shop", "on", ">secret", "~{secure}:*"];
    user.extend(rights.split_whitespace());
    assert!(redis.ask(&user).starts_with("+OK"));
    let service = process_at(&format!("redis://shop:secret@127.0.0.1:{}", redis.port)).await;
    assert_eq!(insists(&service, "ann", "right").await.0.status(), 204);
    CHECKS.take();

    // What counts needs it, and what only looks does not.
    redis.ask(&["ACL", "SETUSER", "shop", "-set"]);
    let mut answered = 0;
    for round in 0..10 {
        for attempt in 0..4 {
            let refused = tries(&service, &format!("{round} {attempt}"), "wrong").await;
            refused.assert_refused(Refusal::Undecided);
        }
        let state = service.security().logins().state("nobody").await;
        answered += usize::from(state.is_ok());
    }
    assert!(redis.ask(&["ACL", "LOG"]).contains("set"));
    // On a busy machine one may be late.
    assert!(answered >= 8, "{answered}");
    assert_eq!(CHECKS.take(), 0);
    redis.ask(&["ACL", "SETUSER", "shop", "+set"]);
    assert_eq!(insists(&service, "ann", "right").await.0.status(), 204);
}

/// The scripts are named by their hash, and sent whole where the server has lost them.
#[actix_web::test]
async fn scripts_are_sent_once() {
    const LOGINS: usize = 20;
    let redis = Redis::start();
    let service = process(&redis).await;
    redis.ask(&["CONFIG", "RESETSTAT"]);
    for _ in 0..LOGINS {
        assert_eq!(insists(&service, "ann", "right").await.0.status(), 204);
    }
    let counts = redis.ask(&["INFO", "commandstats"]);
    let line = counts.lines().find(|line| line.starts_with("cmdstat_evalsha:"));
    let calls = line.and_then(|line| line.split_once("calls=")?.1.split_once(','));
    let calls: usize = calls.expect(&counts).0.parse().unwrap();
    // The quota, the attempt, and its outcome.
    assert!(calls >= 3 * LOGINS, "{calls}");
    for _ in 0..3 {
        redis.ask(&["SCRIPT", "FLUSH"]);
        assert_eq!(insists(&service, "ann", "right").await.0.status(), 204);
    }
}

/// G6: whether a device was let in before or after a recovery is told by the store's clock, however
/// wrong that of a process is. That of `behind` stands in January 2026, and that of `ahead` in 2029.
#[actix_web::test]
async fn g6_a_recovery_forgets_devices_whatever_the_clocks_of_processes_say() {
    let redis = Redis::start();
    let (behind, ahead) = (process(&redis).await, process(&redis).await);
    ahead.advance(Duration::from_secs(3 * 366 * 24 * 3600));
    for (account, one, other) in [("ann", &behind, &ahead), ("bob", &ahead, &behind)] {
        other.security().logins().enable(account).await.unwrap();
        pause(2).await;
        let (success, _) = insists(one, account, "right").await;
        let cookie = success.header("set-cookie").unwrap();
        let cookie = cookie.split(';').next().unwrap();
        let lock = async || {
            for _ in 0..6 {
                assert_eq!(insists(one, account, "wrong").await.0.status(), 401);
            }
            CHECKS.take();
        };
        let known = async |service| {
            let status = loop {
                let answer = attempt(service, "/login", account, "right", Some(cookie)).await;
                match answer.status().as_u16() {
                    503 => pause(100).await,
                    status => break status,
                }
            };
            (status, CHECKS.take())
        };
        lock().await;
        assert_eq!(known(other).await.0, 204, "{account}");
        assert_eq!(known(one).await.0, 204, "{account}");

        one.security().logins().enable(account).await.unwrap();
        pause(2).await;
        lock().await;
        assert_eq!(known(one).await, (401, 0), "{account}");
        assert_eq!(known(other).await, (401, 0), "{account}");
        other.security().logins().enable(account).await.unwrap();
    }
}

/// While a process judges alone, by its own clock, it calls no device known to the others.
#[actix_web::test]
async fn g6_a_process_alone_makes_no_device_known() {
    let redis = Redis::start();
    let service = process(&redis).await;
    reads_revocations(&service).await;
    let asks = async || attempt(&service, "/again", "ann", "right", None).await;
    let success = loop {
        let answer = asks().await;
        match answer.status().as_u16() {
            503 => pause(100).await,
            _ => break answer,
        }
    };
    assert_eq!(success.status(), 204);
    assert!(success.header("set-cookie").is_some());
    redis.stop();
    let mut alone = 0;
    for _ in 0..20 {
        let answer = asks().await;
        if answer.status() == 204 {
            assert_eq!(answer.header("set-cookie"), None);
            alone += 1;
        }
    }
    redis.go_on();
    assert!(alone > 0);
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
