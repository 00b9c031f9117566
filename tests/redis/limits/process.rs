//! A process as far as limits go: its settings, its routes, its connection.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    time::{Duration, Instant},
};

use actix_http::Request;
use actix_web::{
    App, HttpResponse, Responder, get,
    http::{StatusCode, header},
    test::{TestRequest, init_service},
    web,
};
use futures_util::future::{LocalBoxFuture, join_all};
use secure_runtime::{Balance, Clock, Meter, Routes, Security, Settings, secured, testing::Tokens};

use crate::{
    instance::{self, LONGEST_WAIT, SLACK, Watch, pause},
    server::Redis,
};

/// The quotas of a test must not come back while it runs: all but those of the routes that are
/// named after their time are by the hour.
#[secured(rate = "50/h per route")]
#[get("/exact")]
async fn exact() -> impl Responder {
    HttpResponse::Ok()
}

#[secured(rate = ["40/h per route", "5/h", "6/h per ip"])]
#[get("/several")]
async fn several() -> impl Responder {
    HttpResponse::Ok()
}

#[secured(public, rate = "5/h")]
#[get("/flood")]
async fn flood() -> impl Responder {
    HttpResponse::Ok()
}

#[secured(public, rate = "2/2s")]
#[get("/two-in-two-seconds")]
async fn two_in_two_seconds() -> impl Responder {
    HttpResponse::Ok()
}

#[secured(public, rate = "1000/min leased")]
#[get("/leased")]
async fn leased() -> impl Responder {
    HttpResponse::Ok()
}

/// Whole again in half a second, and a lease lives for one: the worst case.
#[secured(public, rate = "1000/s burst 500 leased")]
#[get("/leased-worst")]
async fn leased_worst() -> impl Responder {
    HttpResponse::Ok()
}

#[secured(public, rate = "15/h leased")]
#[get("/leased-small")]
async fn leased_small() -> impl Responder {
    HttpResponse::Ok()
}

#[secured(public, rate = "12/h", outage = "deny")]
#[get("/deny")]
async fn deny() -> impl Responder {
    HttpResponse::Ok()
}

#[secured(public, rate = "12/h", outage = "local")]
#[get("/share")]
async fn share() -> impl Responder {
    HttpResponse::Ok()
}

/// The first comes back soon, the second does not.
#[secured(public, rate = ["2/s", "3/h"], outage = "local")]
#[get("/two-shares")]
async fn two_shares() -> impl Responder {
    HttpResponse::Ok()
}

/// The same, counted in memory beside one that is not.
#[secured(rate = ["2/s local", "3/h local", "1000/day"])]
#[get("/two-local")]
async fn two_local() -> impl Responder {
    HttpResponse::Ok()
}

/// Many callers use up what one of them may use slowly.
#[secured(rate = ["1/s", "3/h per route local"])]
#[get("/one-local")]
async fn one_local() -> impl Responder {
    HttpResponse::Ok()
}

/// Two callers meet in the second, after the first was charged.
#[secured(rate = ["2/day local", "1/h per route local", "9/h"])]
#[get("/local-denies")]
async fn local_denies() -> impl Responder {
    HttpResponse::Ok()
}

#[secured(public, rate = "4/h local")]
#[get("/alone")]
async fn alone() -> impl Responder {
    HttpResponse::Ok()
}

#[secured(role = "admin", rate = ["3/h per ip", "100/h"])]
#[get("/admin")]
async fn admin() -> impl Responder {
    HttpResponse::Ok()
}

#[secured(rate = "10/h", cost = 2)]
#[get("/metered")]
async fn metered(meter: Meter) -> impl Responder {
    meter.charge(5).await;
    HttpResponse::Ok()
}

/// As many units beside the request as the path says.
#[secured(public, rate = "100/h leased")]
#[get("/metered-leased/{units}")]
async fn metered_leased(meter: Meter, units: web::Path<u32>) -> impl Responder {
    match meter.charge(*units).await {
        Balance::Left => HttpResponse::Ok(),
        _ => HttpResponse::Accepted(),
    }
}

#[secured(public, rate = "100/h", outage = "local")]
#[get("/metered-share/{units}")]
async fn metered_share(meter: Meter, units: web::Path<u32>) -> impl Responder {
    meter.charge(*units).await;
    HttpResponse::Ok()
}

fn routes(routes: &mut Routes) {
    routes
        .service(exact)
        .service(several)
        .service(flood)
        .service(two_in_two_seconds)
        .service(leased)
        .service(leased_worst)
        .service(leased_small)
        .service(deny)
        .service(share)
        .service(two_shares)
        .service(two_local)
        .service(one_local)
        .service(local_denies)
        .service(alone)
        .service(admin)
        .service(metered)
        .service(metered_leased)
        .service(metered_share);
}

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<u64>,
    pub(crate) ratelimit: Option<String>,
    pub(crate) took: Duration,
}

impl Answer {
    pub(crate) fn is_ok(&self) -> bool {
        self.status == StatusCode::OK
    }
}

type Answered = LocalBoxFuture<'static, Answer>;

pub(crate) struct Process {
    pub(crate) security: Security,
    tokens: Tokens,
    app: Box<dyn Fn(Request) -> Answered>,
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client<'a> {
    pub(crate) address: u32,
    pub(crate) user: Option<&'a str>,
    pub(crate) token: Option<&'a str>,
}

pub(crate) const ANYBODY: Client<'_> = Client {
    address: 1,
    user: None,
    token: None,
};

impl Process {
    pub(crate) async fn new(url: &str) -> Self {
        Self::with(url, None).await
    }

    pub(crate) async fn with(url: &str, instances: Option<u32>) -> Self {
        Self::configured(url, |settings| {
            settings.limits.instances = instances.and_then(NonZeroU32::new);
        })
        .await
    }

    pub(crate) async fn configured(url: &str, configure: impl FnOnce(&mut Settings)) -> Self {
        let tokens = Tokens::new(&Clock::system());
        let mut settings = instance::settings(url);
        configure(&mut settings);
        let security = Security::builder()
            .issuer(tokens.issuer())
            .settings(settings)
            .build()
            .unwrap();
        let app = App::new()
            .configure(security.routes(routes))
            .wrap(security.shield());
        let app = std::rc::Rc::new(init_service(app).await);
        Self {
            security,
            tokens,
            app: Box::new(move |request| {
                let app = std::rc::Rc::clone(&app);
                Box::pin(async move {
                    let watch = Watch::start();
                    let response = actix_web::test::call_service(&*app, request).await;
                    let field = |name| {
                        let value = response.headers().get(name)?;
                        Some(value.to_str().unwrap().to_owned())
                    };
                    Answer {
                        status: response.status(),
                        retry_after: field(header::RETRY_AFTER)
                            .map(|seconds| seconds.parse().unwrap()),
                        ratelimit: field(header::HeaderName::from_static("ratelimit")),
                        took: watch.took(),
                    }
                })
            }),
        }
    }

    pub(crate) async fn get(&self, path: &str, client: Client<'_>) -> Answer {
        let address = IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + client.address));
        let mut request = TestRequest::get()
            .uri(path)
            .peer_addr(SocketAddr::new(address, 50_000));
        let token = client.user.map(|user| {
            let roles = if user == "root" { &["admin"][..] } else { &[] };
            let token = roles
                .iter()
                .fold(self.tokens.token(user), |token, role| token.role(role));
            token.sign()
        });
        let token = token.as_deref().or(client.token);
        if let Some(token) = token {
            request = request.insert_header((header::AUTHORIZATION, format!("Bearer {token}")));
        }
        let answer = (self.app)(request.to_request()).await;
        assert!(
            answer.took < LONGEST_WAIT + SLACK,
            "{path}: {:?}",
            answer.took
        );
        if matches!(answer.status.as_u16(), 429 | 503) {
            assert!(answer.retry_after.is_some_and(|seconds| seconds > 0));
        }
        answer
    }

    /// Until the store answers and the process knows of `instances`.
    pub(crate) async fn wait(&self, instances: u32) {
        let start = Instant::now();
        loop {
            let limits = self.security.limits();
            let known = limits.instances().map(NonZeroU32::get);
            let age = self.security.revocations().age();
            let has_read = age.is_some_and(|age| age < Duration::from_secs(1));
            if known == Some(instances) && !limits.is_degraded() && has_read {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "{known:?}");
            pause(5).await;
        }
    }
}

/// So many processes that know of each other.
pub(crate) async fn processes(url: &str, count: u32) -> Vec<Process> {
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(Process::new(url).await);
    }
    for process in &all {
        process.wait(count).await;
    }
    all
}

/// The answers to `each` requests of `clients` clients at a time, spread over the processes.
pub(crate) async fn flood_with(
    processes: &[Process],
    clients: usize,
    each: usize,
    path: &str,
    client: impl Fn(usize) -> Client<'static>,
) -> Vec<Answer> {
    let answers = (0..clients).map(|number| {
        let client = client(number);
        async move {
            let mut answers = Vec::new();
            for turn in 0..each {
                let process = &processes[(number + turn) % processes.len()];
                answers.push(process.get(path, client).await);
            }
            answers
        }
    });
    join_all(answers).await.into_iter().flatten().collect()
}

pub(crate) fn count(answers: &[Answer], status: u16) -> usize {
    let same = answers
        .iter()
        .filter(|answer| answer.status.as_u16() == status);
    same.count()
}

/// That so many were admitted. A machine that does much else answers late now and then: such a
/// request is refused with 503, and may have been charged.
pub(crate) fn assert_admitted(answers: &[Answer], bound: usize) {
    let (admitted, undecided) = (count(answers, 200), count(answers, 503));
    assert!(admitted <= bound, "{admitted} > {bound}");
    assert!(
        admitted + undecided >= bound,
        "{admitted} of {bound}, {undecided} not decided"
    );
    let refused = count(answers, 429);
    assert_eq!(admitted + undecided + refused, answers.len());
    // Or the test says nothing.
    assert!(undecided * 10 <= answers.len(), "{undecided} not decided");
}

/// How often scripts were called by their names since the statistics were reset; signs of life
/// among them, one a second of each process.
pub(crate) fn calls(redis: &Redis) -> u64 {
    let facts = redis.ask(&["INFO", "commandstats"]);
    facts
        .lines()
        .filter_map(|line| line.strip_prefix("cmdstat_evalsha:calls="))
        .filter_map(|rest| rest.split(',').next()?.parse::<u64>().ok())
        .sum()
}
