//! Every row of the table of refusals, reached by a request, and what holds for all of them.

mod challenges;
mod rows;

use std::{fmt, time::Duration};

use actix_web::{App, HttpResponse, Responder, dev::Service, get, http::Version, post, web};
use futures_util::FutureExt;
use secure_runtime::{
    Principal, Refusal, Rejection, Routes, Settings, TokenIssuer, secured,
    testing::{self, TestCall, TestResponse, TestService},
    tokens::RefreshToken,
};
use serde_json::{Value, json};

use crate::rig::{METHODS, Upload, challenge, take_journal};

/// Stands in every place of a request that a careless answer could repeat.
pub(crate) const CANARY: &str = "canary-5up3r53cr3t";

/// The text of an error of the application.
const INTERNAL: &str = "no connection to the store";

/// Where the requests come from.
pub(crate) const ADDRESS: &str = "203.0.113.77";

#[derive(serde::Deserialize, garde::Validate)]
struct Thing {
    #[garde(length(max = 3))]
    name: String,
}

#[derive(serde::Deserialize, garde::Validate)]
struct Search {
    #[serde(default)]
    #[garde(skip)]
    _text: String,
}

#[derive(Debug)]
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(INTERNAL)
    }
}

/// Nobody gives the app one.
struct Missing;

#[secured(max_age = "10min")]
#[get("/fresh")]
async fn fresh() -> impl Responder {
    "fresh"
}

#[secured(public, rate = "1000/s", max_body = "1KB", body_timeout = "2s")]
#[post("/things")]
async fn things(thing: web::Json<Thing>) -> impl Responder {
    thing.into_inner().name
}

#[secured(public, rate = "1000/s")]
#[get("/things")]
async fn search(_search: web::Query<Search>) -> impl Responder {
    "found"
}

#[secured(allow = caller.subject() == "owner")]
#[get("/owned")]
async fn owned(caller: Principal) -> impl Responder {
    caller.subject().to_owned()
}

#[secured(allow = caller.subject() == "owner", hide)]
#[get("/hidden/{id}")]
async fn hidden_thing(caller: Principal, id: web::Path<u32>) -> impl Responder {
    format!("{} {id}", caller.subject())
}

fn ask(_: &Principal) -> Result<bool, Broken> {
    Err(Broken)
}

#[secured(allow = ask(&caller))]
#[get("/undecided")]
async fn undecided(caller: Principal) -> impl Responder {
    caller.subject().to_owned()
}

#[secured]
#[get("/missing")]
async fn missing(_data: web::Data<Missing>) -> impl Responder {
    "there"
}

#[secured(rate = ["1/min", "2/hour"])]
#[get("/rare")]
async fn rare() -> impl Responder {
    "rare"
}

#[secured(role = "admin")]
#[get("/admin")]
async fn admin() -> impl Responder {
    "admin"
}

#[secured(factor = "otp")]
#[get("/strong")]
async fn strong() -> impl Responder {
    "strong"
}

#[secured(scope = all("orders:read", "orders:write"))]
#[get("/scoped")]
async fn scoped() -> impl Responder {
    "scoped"
}

#[secured(public, concurrency = 1)]
#[post("/single")]
async fn single(body: web::Bytes) -> impl Responder {
    body.len().to_string()
}

#[derive(serde::Deserialize, garde::Validate)]
struct Refresh {
    #[garde(skip)]
    refresh_token: RefreshToken,
}

#[secured(public)]
#[post("/refresh")]
async fn refresh(issuer: TokenIssuer, body: web::Json<Refresh>) -> Result<HttpResponse, Rejection> {
    let tokens = issuer.refresh(&body.refresh_token).await?;
    Ok(HttpResponse::Ok().json(tokens))
}

#[derive(serde::Deserialize, garde::Validate)]
struct Credentials {
    #[garde(skip)]
    name: String,
}

/// Nobody has a password here.
#[secured(
    public,
    rate = "1000/s per ip",
    login(account = form.name, attempts = "5/15min", lock = "30min")
)]
#[post("/login")]
async fn login(form: web::Json<Credentials>) -> HttpResponse {
    HttpResponse::Unauthorized().body(form.into_inner().name)
}

fn routes(routes: &mut Routes) {
    routes
        .service(login)
        .service(refresh)
        .service(fresh)
        .service(things)
        .service(search)
        .service(owned)
        .service(hidden_thing)
        .service(undecided)
        .service(missing)
        .service(rare)
        .service(admin)
        .service(scoped)
        .service(strong)
        .service(single);
}

pub(crate) const ALL: [Refusal; 29] = [
    Refusal::AuthenticationTooOld,
    Refusal::Banned,
    Refusal::BodyMalformed,
    Refusal::BodyTimeout,
    Refusal::BodyTooLarge,
    Refusal::ContentCodingUnsupported,
    Refusal::ContentTypeUnsupported,
    Refusal::CredentialsAmbiguous,
    Refusal::CredentialsInvalid,
    Refusal::CredentialsMissing,
    Refusal::CredentialsRevoked,
    Refusal::FactorMissing,
    Refusal::Forbidden,
    Refusal::HeadMalformed,
    Refusal::HeadTooLarge,
    Refusal::Hidden,
    Refusal::HttpsRequired,
    Refusal::InputInvalid,
    Refusal::LoginFailed,
    Refusal::MethodNotAllowed,
    Refusal::NotConfigured,
    Refusal::NotFound,
    Refusal::Overloaded,
    Refusal::QuotaExceeded,
    Refusal::RefreshTokenInvalid,
    Refusal::RoleMissing,
    Refusal::ScopeMissing,
    Refusal::Undecided,
    Refusal::Unguarded,
];

async fn service() -> TestService {
    TestService::with(routes, |security| {
        let mut settings = Settings::default();
        settings.danger.plaintext = true;
        settings.realm = "things".to_owned();
        settings.token_issuer = Some(testing::token_issuer());
        security.settings(settings)
    })
    .await
}

/// Puts the canary everywhere where it changes nothing.
fn marked(call: TestCall<'_>) -> TestCall<'_> {
    call.peer(ADDRESS.parse().unwrap())
        .header("x-canary", CANARY)
        .header("cookie", format!("session={CANARY}"))
        .header("user-agent", CANARY)
        .header("referer", format!("https://{CANARY}.test/"))
}

fn caller(call: TestCall<'_>) -> TestCall<'_> {
    marked(call)
        .subject(CANARY)
        .claim("jti", CANARY)
        .claim("email", CANARY)
}

/// Sends a request that meets exactly this refusal.
pub(crate) async fn reach(refusal: Refusal) -> TestResponse {
    let service = service().await;
    let thing = || service.post("/things").json(json!({ "name": "abc" }));
    let call = match refusal {
        Refusal::AuthenticationTooOld => caller(service.get("/fresh"))
            .edit_token(|token| token.authenticated(Duration::from_secs(601))),
        Refusal::FactorMissing => caller(service.get("/strong")).factor(CANARY),
        Refusal::Banned => {
            // Not this one client: the log names the network when it is banned.
            let network: ipnet::IpNet = "203.0.113.0/24".parse().unwrap();
            let bans = service.security().bans();
            bans.ban(network, Duration::from_secs(60), "a test")
                .unwrap();
            caller(service.get("/admin"))
        }
        Refusal::BodyMalformed => marked(service.post("/things"))
            .body("application/json", format!("{{\"name\":\"{CANARY}\"")),
        Refusal::BodyTimeout => {
            tokio::time::pause();
            marked(service.post("/things")).stream(
                "application/json",
                Upload::silent_after(format!("{{\"name\":\"{CANARY}\"")),
            )
        }
        Refusal::BodyTooLarge => {
            marked(service.post("/things")).body("application/json", CANARY.repeat(100))
        }
        Refusal::ContentCodingUnsupported => marked(thing()).header("content-encoding", CANARY),
        Refusal::ContentTypeUnsupported => {
            marked(service.post("/things")).body("application/canary-5up3r53cr3t", CANARY)
        }
        Refusal::CredentialsAmbiguous => marked(service.get("/admin"))
            .header("authorization", format!("Bearer {CANARY}"))
            .header("authorization", format!("Bearer {CANARY}")),
        Refusal::CredentialsInvalid => caller(service.get("/admin")).claim("exp", 1),
        Refusal::CredentialsMissing => {
            marked(service.get("/admin")).header("authorization", format!("Basic {CANARY}"))
        }
        Refusal::CredentialsRevoked => {
            let revocations = service.security().revocations();
            let ended = revocations.revoke_session("https://issuer.test", "ended");
            ended.await.unwrap();
            caller(service.get("/admin")).claim("sid", "ended")
        }
        Refusal::Forbidden => caller(service.get("/owned")),
        Refusal::HeadMalformed => marked(service.get("/things?text=canary-5up3r53cr3t%zz")),
        Refusal::HeadTooLarge => {
            let service = over_http2().await;
            let few = marked(service.get("/things"));
            let many = (0..256).fold(few, |call, _| call.header("x-canary", CANARY));
            return many.send().await;
        }
        Refusal::Hidden => caller(service.get("/hidden/7")),
        Refusal::HttpsRequired => {
            let mut settings = Settings::default();
            settings.token_issuer = Some(testing::token_issuer());
            let service = TestService::with(routes, |security| security.settings(settings)).await;
            return caller(service.get("/admin")).send().await;
        }
        Refusal::InputInvalid => marked(service.post("/things")).json(json!({ "name": CANARY })),
        Refusal::LoginFailed => marked(service.post("/login")).json(json!({ "name": CANARY })),
        Refusal::MethodNotAllowed => marked(service.delete("/things")),
        Refusal::NotConfigured => caller(service.get("/missing")),
        Refusal::NotFound => marked(service.get("/canary-5up3r53cr3t?canary-5up3r53cr3t")),
        Refusal::Overloaded => {
            let silent = Upload::silent_after(CANARY);
            let call = service.post("/single").stream("text/plain", silent);
            let mut first = call.send().boxed_local();
            assert!((&mut first).now_or_never().is_none());
            let response = marked(service.post("/single")).send().await;
            take_journal();
            return response;
        }
        Refusal::QuotaExceeded => {
            assert_eq!(caller(service.get("/rare")).send().await.status(), 200);
            caller(service.get("/rare"))
        }
        Refusal::RefreshTokenInvalid => {
            marked(service.post("/refresh")).json(json!({ "refresh_token": CANARY }))
        }
        Refusal::RoleMissing => caller(service.get("/admin")).role(CANARY),
        Refusal::ScopeMissing => caller(service.get("/scoped")).scope(CANARY),
        Refusal::Undecided => caller(service.get("/undecided")),
        Refusal::Unguarded => {
            let service = TestService::of_app(
                |security| security,
                |security| {
                    App::new()
                        .configure(security.routes(routes))
                        .route("/open", web::get().to(unguarded))
                        .wrap(security.shield())
                },
            )
            .await;
            return caller(service.get("/open")).send().await;
        }
        other => panic!("no request reaches {other:?}"),
    };
    let response = call.send().await;
    take_journal();
    response
}

/// Each request says that it came over HTTP/2.
async fn over_http2() -> TestService {
    TestService::of_app(
        |security| security,
        |security| {
            App::new()
                .wrap(security.shield())
                .wrap_fn(|mut request, service| {
                    request.head_mut().version = Version::HTTP_2;
                    service.call(request)
                })
        },
    )
    .await
}

async fn unguarded() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("x-canary", CANARY))
        .insert_header(("set-cookie", CANARY))
        .body(CANARY)
}

/// A row that was added to the table is walked too.
#[test]
fn h16_the_walk_meets_every_row() {
    let table = include_str!("../../../secure-runtime/src/rejection/table.rs");
    let (_, rows) = table.split_once("pub enum Refusal {").unwrap();
    let (rows, _) = rows.split_once("\n}").unwrap();
    let rows = rows.lines().map(str::trim);
    let rows: Vec<_> = rows.filter_map(|line| line.strip_suffix(',')).collect();
    let walked: Vec<_> = ALL.iter().map(|refusal| format!("{refusal:?}")).collect();
    assert_eq!(walked, rows);
}

#[actix_web::test]
async fn h16_every_refusal_is_problem_details_and_says_nothing_of_the_request() {
    for refusal in ALL {
        let response = reach(refusal).await;
        response.assert_refused(refusal);
        let problem: Value = response.json();
        let context = format!("{refusal:?}: {problem}");

        assert_eq!(problem["status"], refusal.status().as_u16(), "{context}");
        let (quota, capacity, abuse) = (
            "https://iana.org/assignments/http-problem-types#quota-exceeded",
            "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity",
            "https://iana.org/assignments/http-problem-types#abnormal-usage-detected",
        );
        let kind = match refusal {
            Refusal::Banned => abuse,
            Refusal::Overloaded => capacity,
            Refusal::QuotaExceeded => quota,
            _ => "about:blank",
        };
        assert_eq!(problem["type"], kind, "{context}");
        if kind == "about:blank" {
            // RFC 9457 section 4.2.1: then the title is the status phrase.
            assert_eq!(
                problem["title"].as_str(),
                refusal.status().canonical_reason(),
                "{context}"
            );
        }
        let members: Vec<&str> = problem
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let allowed = [
            "detail",
            "errors",
            "status",
            "title",
            "type",
            "violated-policies",
        ];
        assert!(
            members.iter().all(|name| allowed.contains(name)),
            "{context}"
        );

        for (name, count) in [("content-type", 1), ("cache-control", 1), ("server", 0)] {
            assert_eq!(response.headers().get_all(name).count(), count, "{context}");
        }
        assert_eq!(
            response.header("cache-control"),
            Some("no-store"),
            "{context}"
        );
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));

        let all = format!("{:?} {}", response.headers(), response.text());
        assert!(!all.contains(CANARY), "{context}: {all}");
        assert!(!all.contains("5up3r"), "{context}: {all}");
        // Names of our own types and files are internals.
        for internal in [
            INTERNAL, ADDRESS, "suite", "src/", ".rs", "::", "Missing", "secure",
        ] {
            assert!(!response.text().contains(internal), "{context}");
        }
    }
}
