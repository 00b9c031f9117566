//! Clients that are banned: what they get, what bans them, and who is never banned.

mod proxied;

use std::{net::IpAddr, num::NonZeroUsize, time::Duration};

use actix_web::{App, HttpRequest, HttpResponse, Responder, get, http::StatusCode, post, web};
use secure_runtime::{
    BanList, Principal, Refusal, Rejection, Routes, Settings, StrikeKind, secured,
    settings::BanRuleSettings,
    testing::{TestCall, TestResponse, TestService},
};
use serde_json::json;

use crate::rig::{End, Log, Moment, Upload, note, take_journal};

const CLIENT: &str = "203.0.113.7";
const HOUR: Duration = Duration::from_secs(3600);

#[derive(serde::Deserialize, garde::Validate)]
struct Thing {
    #[garde(length(max = 3))]
    name: String,
}

#[secured(public, rate = "2/hour")]
#[get("/open")]
async fn open() -> impl Responder {
    note(Moment::Ran);
    "open"
}

#[secured(role = "admin", rate = "1000/s", allow = caller.subject() == "owner")]
#[get("/owned")]
async fn owned(caller: Principal) -> impl Responder {
    caller.subject().to_owned()
}

#[secured(public, rate = "1000/s")]
#[post("/things")]
async fn things(thing: web::Json<Thing>) -> impl Responder {
    thing.into_inner().name
}

#[secured(public, rate = "1000/s")]
#[post("/login")]
async fn login(request: HttpRequest, bans: BanList) -> impl Responder {
    bans.strike(&request, StrikeKind::Login, 1);
    HttpResponse::Unauthorized()
}

#[secured(public, rate = "1000/s")]
#[post("/refuses")]
async fn refuses() -> Result<HttpResponse, Rejection> {
    Err(Rejection::new(Refusal::Forbidden, "a test"))
}

#[secured(public, rate = "1000/s")]
#[post("/ban/{address}")]
async fn ban(address: web::Path<IpAddr>, bans: BanList) -> Result<HttpResponse, Rejection> {
    bans.ban(*address, HOUR, "a test")?;
    Ok(HttpResponse::NoContent().finish())
}

#[secured(public, rate = "2/hour per route")]
#[get("/of-all")]
async fn of_all() -> impl Responder {
    "of all"
}

#[secured(public, rate = ["2/hour per route", "1/hour per ip"])]
#[get("/of-all-and-one")]
async fn of_all_and_one() -> impl Responder {
    "of all and one"
}

fn routes(routes: &mut Routes) {
    routes
        .service(open)
        .service(of_all)
        .service(of_all_and_one)
        .service(owned)
        .service(things)
        .service(login)
        .service(refuses)
        .service(ban);
    routes.unguarded("/static", "a test", |config| {
        config.service(web::resource("/file").to(|| async {
            note(Moment::Ran);
            "file"
        }));
    });
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

async fn service(rules: Vec<BanRuleSettings>) -> TestService {
    TestService::with(routes, |security| {
        let mut settings = Settings::default();
        settings.danger.plaintext = true;
        settings.bans.rules = rules;
        security.settings(settings)
    })
    .await
}

fn rule(on: StrikeKind, count: usize) -> BanRuleSettings {
    let count = NonZeroUsize::new(count).unwrap();
    BanRuleSettings::new(vec![on], count, Duration::from_secs(60), HOUR)
}

fn from_client(call: TestCall<'_>) -> TestCall<'_> {
    call.peer(ip(CLIENT))
}

fn retry_after(response: &TestResponse) -> u64 {
    response.header("retry-after").unwrap().parse().unwrap()
}

/// G11: guarded or not, known or not, whatever the method.
#[actix_web::test]
async fn g11_a_banned_client_gets_nothing_at_all_until_the_ban_ends() {
    let service = service(Vec::new()).await;
    let bans = service.security().bans();
    bans.ban(ip(CLIENT), HOUR, "a test").unwrap();
    take_journal();
    let calls = || {
        [
            service.get("/open"),
            service.get("/static/file"),
            service.get("/nothing"),
            service.post("/open"),
            service.get("/owned").subject("owner").role("admin"),
            service.post("/things").json(json!({ "name": "abc" })),
        ]
    };
    for (number, call) in calls().into_iter().enumerate() {
        let response = from_client(call).send().await;
        response.assert_refused(Refusal::Banned);
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS, "{number}");
        assert_eq!(retry_after(&response), 3600);
        // As every answer.
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(response.header("cache-control"), Some("no-store"));
        assert!(response.header("ratelimit").is_none());
    }
    assert_eq!(take_journal(), []);

    // Others are not concerned, nor has the client paid for what it was refused.
    let other = service.get("/open").peer(ip("203.0.113.8")).send().await;
    assert_eq!(other.status(), 200);
    service.advance(HOUR - Duration::from_millis(500));
    let refused = from_client(service.get("/open")).send().await;
    assert_eq!(retry_after(&refused), 1);
    service.advance(Duration::from_millis(500));
    for _ in 0..2 {
        let admitted = from_client(service.get("/open")).send().await;
        assert_eq!(admitted.status(), 200);
    }
}

/// A quota `per route` is used up by anybody: who is refused by it has done nothing, or one client
/// would have all others banned.
#[actix_web::test]
async fn g11_what_others_have_used_up_bans_nobody() {
    let service = service(vec![rule(StrikeKind::Quota, 3)]).await;
    for _ in 0..2 {
        let used = service.get("/of-all").peer(ip("203.0.113.66")).send().await;
        assert_eq!(used.status(), 200);
    }
    for _ in 0..3 {
        let refused = from_client(service.get("/of-all")).send().await;
        refused.assert_refused(Refusal::QuotaExceeded);
    }
    let elsewhere = from_client(service.get("/open")).send().await;
    assert_eq!(elsewhere.status(), 200);
}

/// Of several quotas it is one's own that counts.
#[actix_web::test]
async fn g11_of_several_quotas_ones_own_bans() {
    let path = "/of-all-and-one";
    for (others, expected) in [(["203.0.113.66", "203.0.113.67"], 200), ([CLIENT; 2], 429)] {
        let service = service(vec![rule(StrikeKind::Quota, 3)]).await;
        for other in others {
            service.get(path).peer(ip(other)).send().await;
        }
        for _ in 0..3 {
            let refused = from_client(service.get(path)).send().await;
            assert_eq!(refused.status(), 429);
        }
        let elsewhere = from_client(service.get("/open")).send().await;
        assert_eq!(elsewhere.status(), expected, "{others:?}");
    }
}

/// A credential does not help, and costs nothing to be looked at: it is not.
#[actix_web::test]
async fn a_lift_admits_again_at_once() {
    let service = service(Vec::new()).await;
    let banned = service.post("/ban/203.0.113.7").send().await;
    assert_eq!(banned.status(), 204);
    let call = || {
        from_client(service.get("/owned"))
            .subject("owner")
            .role("admin")
    };
    call().send().await.assert_refused(Refusal::Banned);
    assert!(service.security().bans().lift(ip(CLIENT)));
    assert_eq!(call().send().await.text(), "owner");
}

/// An upload is not read, drained or waited for.
#[actix_web::test]
async fn nothing_of_a_banned_upload_is_read() {
    let service = service(Vec::new()).await;
    service
        .security()
        .bans()
        .ban(ip(CLIENT), HOUR, "a test")
        .unwrap();
    take_journal();
    for end in [End::Endless, End::Silent] {
        let upload = Upload::new(["{"], end);
        let call = service.post("/things").stream("application/json", upload);
        from_client(call)
            .send()
            .await
            .assert_refused(Refusal::Banned);
    }
    assert!(!take_journal().contains(&Moment::Polled));
}

#[actix_web::test]
async fn without_the_shield_each_handler_refuses_a_banned_client() {
    let service = TestService::of_app(
        |security| security,
        |security| App::new().configure(security.routes(routes)),
    )
    .await;
    service
        .security()
        .bans()
        .ban(ip(CLIENT), HOUR, "a test")
        .unwrap();
    take_journal();
    let response = from_client(service.get("/open")).send().await;
    response.assert_refused(Refusal::Banned);
    assert_eq!(retry_after(&response), 3600);
    assert_eq!(take_journal(), []);
    assert_eq!(service.get("/open").send().await.status(), 200);
}

/// G11: each kind of refusal has a rule that counts it, and no other one does.
#[actix_web::test]
async fn g11_each_kind_of_refusal_bans_by_its_rule_and_by_no_other() {
    type Offend = for<'a> fn(&'a TestService) -> TestCall<'a>;
    let offences: [(StrikeKind, Refusal, Offend); 9] = [
        (
            StrikeKind::Authentication,
            Refusal::CredentialsInvalid,
            |service| service.get("/owned").claim("exp", 1),
        ),
        (StrikeKind::Authorization, Refusal::RoleMissing, |service| {
            service.get("/owned").subject("owner")
        }),
        (StrikeKind::Authorization, Refusal::Forbidden, |service| {
            service.get("/owned").subject("thief").role("admin")
        }),
        // Which the handler returned.
        (StrikeKind::Authorization, Refusal::Forbidden, |service| {
            service.post("/refuses")
        }),
        (StrikeKind::Input, Refusal::BodyMalformed, |service| {
            service.post("/things").body("application/json", "{")
        }),
        (StrikeKind::Input, Refusal::InputInvalid, |service| {
            service.post("/things").json(json!({ "name": "too long" }))
        }),
        (StrikeKind::NotFound, Refusal::NotFound, |service| {
            service.get("/admin.php")
        }),
        (StrikeKind::NotFound, Refusal::MethodNotAllowed, |service| {
            service.get("/things")
        }),
        // After the two that are admitted.
        (StrikeKind::Quota, Refusal::QuotaExceeded, |service| {
            service.get("/open")
        }),
    ];
    for (kind, refusal, offend) in offences {
        for ruled in [
            StrikeKind::Authentication,
            StrikeKind::Authorization,
            StrikeKind::Input,
            StrikeKind::Login,
            StrikeKind::NotFound,
            StrikeKind::Quota,
        ] {
            let service = service(vec![rule(ruled, 3)]).await;
            let mut refused = 0;
            while refused < 3 {
                let response = from_client(offend(&service)).send().await;
                if response.status() != 200 {
                    response.assert_refused(refusal);
                    refused += 1;
                }
            }
            let banned = service.security().bans().is_banned(ip(CLIENT));
            assert_eq!(banned, ruled == kind, "{refusal:?} under {ruled:?}");
            let next = from_client(service.post("/things").json(json!({ "name": "abc" })));
            let status = next.send().await.status();
            assert_eq!(status, if banned { 429 } else { 200 }, "{refusal:?}");
        }
    }
}

/// Credentials that are missing are those of somebody who has not logged in yet.
#[actix_web::test]
async fn who_sends_no_credentials_is_not_banned() {
    let service = service(vec![rule(StrikeKind::Authentication, 1)]).await;
    for _ in 0..3 {
        let response = from_client(service.get("/owned")).send().await;
        response.assert_refused(Refusal::CredentialsMissing);
    }
    assert!(!service.security().bans().is_banned(ip(CLIENT)));
}

/// Beyond 60 in a minute the answer is 429, and what the client did is the same.
#[actix_web::test]
async fn guessing_counts_beyond_the_quota_of_failures() {
    let service = service(vec![rule(StrikeKind::Authentication, 100)]).await;
    for number in 0..100 {
        assert!(!service.security().bans().is_banned(ip(CLIENT)), "{number}");
        let response = from_client(service.get("/owned"))
            .bearer("a.b.c")
            .send()
            .await;
        assert_eq!(response.status(), if number < 60 { 401 } else { 429 });
    }
    assert!(service.security().bans().is_banned(ip(CLIENT)));
}

#[actix_web::test]
async fn g11_a_handler_reports_what_it_alone_knows() {
    let service = service(vec![rule(StrikeKind::Login, 3)]).await;
    for _ in 0..3 {
        let response = from_client(service.post("/login")).send().await;
        assert_eq!(response.status(), 401);
    }
    let response = from_client(service.post("/login")).send().await;
    response.assert_refused(Refusal::Banned);
}

/// A rule would ban everybody behind a proxy that nobody has configured.
#[actix_web::test]
async fn g11_no_refusal_bans_without_a_rule() {
    let service = service(Vec::new()).await;
    for _ in 0..200 {
        from_client(service.get("/nothing")).send().await;
        from_client(service.get("/owned"))
            .bearer("a.b.c")
            .send()
            .await;
    }
    assert_eq!(service.security().bans().counts().bans, 0);
}

/// G11: one event for a ban, a few for a flood.
#[actix_web::test]
async fn g11_a_banned_flood_does_not_flood_the_log() {
    let log = Log::capture();
    let service = service(vec![rule(StrikeKind::NotFound, 2)]).await;
    for _ in 0..2 {
        from_client(service.get("/nothing")).send().await;
    }
    let made = log.take_audit();
    assert_eq!(made.len(), 1, "{made:?}");
    for (field, value) in [
        ("event", "client_banned"),
        ("network", "203.0.113.7/32"),
        ("seconds", "3600"),
        ("level", "1"),
        ("reason", "2 strikes (not_found) in 60 s"),
    ] {
        assert_eq!(made[0].field(field), Some(value));
    }
    for _ in 0..1234 {
        from_client(service.get("/open")).send().await;
    }
    let refused = log.take_audit();
    let counts = refused
        .iter()
        .map(|record| record.field("refused").unwrap());
    assert_eq!(counts.collect::<Vec<_>>(), ["1", "10", "100", "1000"]);
    assert_eq!(refused[0].field("event"), Some("client_ban_enforced"));

    service.security().bans().lift(ip(CLIENT));
    let lifted = log.take_audit();
    assert_eq!(lifted[0].field("event"), Some("client_ban_lifted"));
    assert_eq!(lifted[0].field("network"), Some("203.0.113.7/32"));
}
