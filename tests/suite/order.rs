//! The order of checks: of two things that are wrong, the earlier one is answered, and nothing is
//! read of a body whose sender was not admitted.

use std::{net::IpAddr, num::NonZeroUsize, time::Duration};

use actix_web::{Responder, post, web};
use futures_util::{FutureExt, future::LocalBoxFuture};
use secure_runtime::{
    Principal, Refusal, Routes, Security, Settings, secured,
    settings::Transport,
    testing::{TestResponse, TestService},
};
use serde_json::Value;

use crate::rig::{ENDLESS_CHUNK, End, Log, Moment, Upload, note, pointers, take_journal};

#[derive(serde::Deserialize, garde::Validate)]
struct Order {
    #[garde(length(max = 20))]
    item: String,
    #[garde(range(min = 1))]
    quantity: u32,
}

const PER_IP: &str = "3/hour per ip";
const PER_USER: &str = "3/hour per user";
const PER_ROUTE: &str = "12/hour per route";

#[secured(
    role = "admin",
    scope = "orders:write",
    max_age = "15min",
    factor = "otp",
    rate = ["3/hour per ip", "3/hour per user", "12/hour per route"],
    max_body = "1KB",
    body_timeout = "5s",
    allow = order.item != "forbidden"
)]
#[post("/orders")]
async fn demanding(caller: Principal, order: web::Json<Order>) -> impl Responder {
    note(Moment::Ran);
    format!("{} {}", caller.subject(), order.quantity)
}

/// Takes as long as its client likes, and the only place of the process.
#[secured(public)]
#[post("/slow")]
async fn slow(body: web::Bytes) -> impl Responder {
    body.len().to_string()
}

fn routes(routes: &mut Routes) {
    routes.service(demanding).service(slow);
}

/// What can be wrong with a request, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wrong {
    Banned,
    Transport,
    Full,
    IpQuota,
    Upgrade,
    DeclaredSize,
    Coding,
    Credentials,
    Revoked,
    Age,
    Factor,
    Role,
    Scope,
    UserQuota,
    RouteQuota,
    ContentType,
    BodySize,
    Syntax,
    Field,
    Rule,
    Allow,
}

use Wrong::*;

const ALL: [Wrong; 21] = [
    Banned,
    Transport,
    Full,
    IpQuota,
    Upgrade,
    DeclaredSize,
    Coding,
    Credentials,
    Revoked,
    Age,
    Factor,
    Role,
    Scope,
    UserQuota,
    RouteQuota,
    ContentType,
    BodySize,
    Syntax,
    Field,
    Rule,
    Allow,
];

impl Wrong {
    fn refusal(self) -> Refusal {
        match self {
            Banned => Refusal::Banned,
            Transport => Refusal::HttpsRequired,
            Full => Refusal::Overloaded,
            IpQuota | UserQuota | RouteQuota => Refusal::QuotaExceeded,
            Upgrade => Refusal::HeadMalformed,
            DeclaredSize | BodySize => Refusal::BodyTooLarge,
            Coding => Refusal::ContentCodingUnsupported,
            Credentials => Refusal::CredentialsInvalid,
            Revoked => Refusal::CredentialsRevoked,
            Age => Refusal::AuthenticationTooOld,
            Factor => Refusal::FactorMissing,
            Role => Refusal::RoleMissing,
            Scope => Refusal::ScopeMissing,
            ContentType => Refusal::ContentTypeUnsupported,
            Syntax => Refusal::BodyMalformed,
            Field | Rule => Refusal::InputInvalid,
            Allow => Refusal::Forbidden,
        }
    }

    /// Whether the body has to be read to find it.
    fn is_in_the_body(self) -> bool {
        self >= BodySize
    }

    /// Checks of one stage that give one answer with the same detail.
    fn is_told_apart_from(self, other: Self) -> bool {
        !matches!(
            (self, other),
            (UserQuota, RouteQuota) | (DeclaredSize, BodySize) | (Credentials, Revoked)
        )
    }

    /// What tells this refusal from others of the same row.
    fn check_detail(self, response: &TestResponse) {
        let problem: Value = response.json();
        match self {
            IpQuota => assert_eq!(problem["violated-policies"][0], PER_IP),
            UserQuota => assert_eq!(problem["violated-policies"][0], PER_USER),
            RouteQuota => assert_eq!(problem["violated-policies"][0], PER_ROUTE),
            Field => assert_eq!(pointers(response), ["/extra"]),
            Rule => assert_eq!(pointers(response), ["/quantity"]),
            _ => assert!(problem.get("errors").is_none(), "{problem}"),
        }
    }
}

/// A service behind a proxy on this machine, so that each request can come without TLS or from
/// any address, with room for one request at a time.
async fn service() -> TestService {
    let service = TestService::with(routes, |security| {
        let mut settings = Settings::default();
        settings.server.transport = Transport::BehindProxy;
        settings.limits.max_in_flight = NonZeroUsize::MIN;
        settings.client_address.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
        security.settings(settings)
    })
    .await;
    let revocations = service.security().revocations();
    let ended = revocations.revoke_session("https://issuer.test", "ended");
    ended.await.unwrap();
    service
}

const ADDRESS: &str = "203.0.113.1";

/// Sends a request in which these things are wrong and nothing else.
async fn send(
    service: &TestService,
    subject: &str,
    address: &str,
    wrong: &[Wrong],
) -> TestResponse {
    let is = |this: Wrong| wrong.contains(&this);
    let item = if is(Allow) { "forbidden" } else { "tea" };
    let quantity = if is(Rule) { 0 } else { 1 };
    let mut body = format!(r#"{{"item":"{item}","quantity":{quantity}"#);
    if is(Field) {
        body.push_str(r#","extra":1"#);
    }
    body.push_str(if is(Syntax) { "}}" } else { "}" });
    if is(BodySize) {
        body.push_str(&" ".repeat(1000));
    }
    let content_type = if is(ContentType) {
        "text/plain"
    } else {
        "application/json"
    };
    let mut call = service
        .post("/orders")
        .subject(subject)
        .header("x-forwarded-for", address)
        .stream(content_type, Upload::new([body], End::Finished));
    if !is(Transport) {
        call = call.header("x-forwarded-proto", "https");
    }
    if is(Upgrade) {
        call = call.header("upgrade", "websocket");
    }
    if is(DeclaredSize) {
        call = call.header("content-length", "1001");
    }
    if is(Coding) {
        call = call.header("content-encoding", "gzip");
    }
    if is(Credentials) {
        call = call.claim("exp", 1);
    }
    if is(Revoked) {
        call = call.claim("sid", "ended");
    }
    if is(Age) {
        call = call.edit_token(|token| token.authenticated(Duration::from_secs(15 * 60 + 1)));
    }
    if !is(Factor) {
        call = call.factor("otp");
    }
    if !is(Role) {
        call = call.role("admin");
    }
    if !is(Scope) {
        call = call.scope("orders:write");
    }
    call.send().await
}

/// Uses up what the quotas among `wrong` leave to the caller, and bans its address.
async fn prepare(service: &TestService, wrong: &[Wrong]) {
    if wrong.contains(&IpQuota) {
        for n in 0..3 {
            let response = send(service, &format!("other-{n}"), ADDRESS, &[]).await;
            assert_eq!(response.status(), 200);
        }
    }
    if wrong.contains(&UserQuota) {
        for n in 0..3 {
            let response = send(service, "caller", &format!("198.51.100.{n}"), &[]).await;
            assert_eq!(response.status(), 200);
        }
    }
    if wrong.contains(&RouteQuota) {
        // Not one too many: of a flood of refusals only the first is in the log.
        let used = [IpQuota, UserQuota].map(|quota| 3 * usize::from(wrong.contains(&quota)));
        for n in used.iter().sum()..12 {
            let (subject, address) = (format!("many-{n}"), format!("192.0.2.{n}"));
            let response = send(service, &subject, &address, &[]).await;
            assert_eq!(response.status(), 200);
        }
    }
    if wrong.contains(&Banned) {
        let bans = service.security().bans();
        let address: IpAddr = ADDRESS.parse().unwrap();
        bans.ban(address, Duration::from_secs(60), "a test")
            .unwrap();
    }
}

/// Leaves no room in the service for as long as it is kept.
fn fill<'a>(service: &'a TestService, wrong: &[Wrong]) -> Option<LocalBoxFuture<'a, TestResponse>> {
    wrong.contains(&Full).then(|| {
        let call = service.post("/slow").header("x-forwarded-proto", "https");
        let body = Upload::silent_after("x");
        let mut held = call.stream("text/plain", body).send().boxed_local();
        assert!((&mut held).now_or_never().is_none());
        held
    })
}

#[actix_web::test]
async fn nothing_wrong_is_answered_by_the_handler() {
    let _log = Log::capture();
    let service = service().await;
    let response = send(&service, "caller", ADDRESS, &[]).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.text(), "caller 1");
    assert_eq!(
        take_journal(),
        [Moment::Polled, Moment::Polled, Moment::Ran]
    );
}

#[actix_web::test]
async fn of_two_wrongs_the_earlier_check_answers() {
    let log = Log::capture();
    for (place, first) in ALL.into_iter().enumerate() {
        for second in ALL.into_iter().skip(place) {
            let wrong = [first, second];
            let service = service().await;
            prepare(&service, &wrong).await;
            let _full = fill(&service, &wrong);
            take_journal();
            log.take();

            let response = send(&service, "caller", ADDRESS, &wrong).await;
            let journal = take_journal();

            let context = format!("{first:?} before {second:?}: {}", response.text());
            assert_eq!(response.status(), first.refusal().status(), "{context}");
            response.assert_refused(first.refusal());
            if first.is_told_apart_from(second) {
                first.check_detail(&response);
            }
            assert!(!journal.contains(&Moment::Ran), "{context}");
            // What is read before the decision was made is what the decision needs: a refusal
            // from the head alone is in the log before the body is touched.
            let before = journal
                .iter()
                .take_while(|moment| **moment != Moment::Refused)
                .count();
            assert!(before < journal.len(), "no decision in the log: {context}");
            assert_eq!(before > 0, first.is_in_the_body(), "{context}");
        }
    }
}

#[actix_web::test]
async fn quotas_are_charged_where_their_check_stands() {
    // What is refused after the quotas per ip costs of them, and of no other quota; what is
    // refused before costs nothing.
    for (wrong, costs_ip) in [
        (Transport, false),
        (Full, false),
        (DeclaredSize, true),
        (Credentials, true),
        (Revoked, true),
        (Role, true),
        (Scope, true),
    ] {
        let service = service().await;
        let full = fill(&service, &[wrong]);
        for _ in 0..3 {
            let response = send(&service, "caller", ADDRESS, &[wrong]).await;
            response.assert_refused(wrong.refusal());
        }
        drop(full);
        let here = send(&service, "caller", ADDRESS, &[]).await.status();
        assert_eq!(here == 429, costs_ip, "{wrong:?}");
        let elsewhere = send(&service, "caller", "198.51.100.9", &[]).await;
        assert_eq!(elsewhere.status(), 200, "{wrong:?} cost the user");
    }
}

#[actix_web::test]
async fn a_body_that_never_ends_does_not_hold_a_refusal_up() {
    let _log = Log::capture();
    let service = TestService::new(routes).await;
    tokio::time::pause();
    let began = tokio::time::Instant::now();

    let response = service
        .post("/orders")
        .stream("application/json", Upload::silent_after("{"))
        .send()
        .await;

    response.assert_refused(Refusal::CredentialsMissing);
    // The drain is bounded, and stands after the decision.
    assert_eq!(
        began.elapsed().as_millis() / 10,
        20,
        "{:?}",
        began.elapsed()
    );
    assert_eq!(take_journal().first(), Some(&Moment::Refused));
}

#[actix_web::test]
async fn an_endless_body_is_drained_up_to_64_kib_and_no_further() {
    let _log = Log::capture();
    let service = TestService::new(routes).await;
    let response = service
        .post("/orders")
        .stream("application/json", Upload::new([""; 0], End::Endless))
        .send()
        .await;

    response.assert_refused(Refusal::CredentialsMissing);
    let polls = take_journal()
        .into_iter()
        .filter(|moment| *moment == Moment::Polled)
        .count();
    assert_eq!(polls, 64 * 1024 / ENDLESS_CHUNK + 1);
}

#[actix_web::test]
async fn h19_without_a_security_nothing_is_read_and_nothing_runs() {
    use actix_web::{App, test};

    let _log = Log::capture();
    // The handler is mounted by hand, and nobody gave the app a `Security`.
    let app = test::init_service(App::new().service(demanding)).await;
    let (request, _) = test::TestRequest::post()
        .uri("/orders")
        .insert_header(("content-type", "application/json"))
        .insert_header(("authorization", "Bearer a.b.c"))
        .to_request()
        .replace_payload(Upload::new([r#"{"item":"tea","quantity":1}"#], End::Finished).into());
    let response = test::call_service(&app, request).await;

    assert_eq!(response.status(), 500);
    let journal = take_journal();
    assert_eq!(journal.first(), Some(&Moment::Refused));
    assert!(!journal.contains(&Moment::Ran));
}

/// The check is told to whoever builds by hand, before the first request.
#[test]
fn the_routes_of_this_file_need_an_issuer() {
    let security = Security::builder().build().unwrap();
    let error = security
        .check(&secure_runtime::Manifest::of(routes))
        .unwrap_err()
        .to_string();
    assert!(error.contains("POST /orders"), "{error}");
    assert!(error.contains("suite/order.rs:"), "{error}");
}
