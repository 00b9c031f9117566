//! Logins that processes share: counted together, and never more often than allowed when the
//! store goes away.

mod faults;

use std::{
    cell::{Cell, RefCell},
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU32,
    time::{Duration, Instant},
};

use actix_web::{HttpResponse, get, post, web};
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

/// Its quota needs no store, so whatever the store refuses here the login refuses.
#[secured(public, rate = "10000/s per ip local", login(account = form.name, attempts = "5/15min"))]
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

#[secured(public, rate = "1000/h")]
#[get("/counted")]
async fn counted() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

#[secured(public, rate = "1000/h", outage = "local")]
#[get("/share")]
async fn share() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

#[secured(public, rate = "1000/h local")]
#[get("/alone")]
async fn counted_here() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

fn routes(routes: &mut Routes) {
    routes.service(login).service(again);
    routes.service(counted).service(share).service(counted_here);
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
    let start = Instant::now();
    loop {
        assert!(start.elapsed() < Duration::from_secs(15));
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
    let line = counts
        .lines()
        .find(|line| line.starts_with("cmdstat_evalsha:"));
    let calls = line.and_then(|line| line.split_once("calls=")?.1.split_once(','));
    let calls: usize = calls.expect(&counts).0.parse().unwrap();
    // The attempt and its outcome.
    assert!(calls >= 2 * LOGINS, "{calls}");
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
