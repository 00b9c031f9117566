//! Every row of the table of refusals, reached by a request, and what holds for all of them.

use std::{fmt, time::Duration};

use actix_web::{App, HttpResponse, Responder, get, post, web};
use secure_runtime::{
    Principal, Refusal, Routes, Settings, secured,
    testing::{TestCall, TestResponse, TestService},
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

#[secured(scope = all("orders:read", "orders:write"))]
#[get("/scoped")]
async fn scoped() -> impl Responder {
    "scoped"
}

fn routes(routes: &mut Routes) {
    routes
        .service(fresh)
        .service(things)
        .service(search)
        .service(owned)
        .service(hidden_thing)
        .service(undecided)
        .service(missing)
        .service(rare)
        .service(admin)
        .service(scoped);
}

pub(crate) const ALL: [Refusal; 23] = [
    Refusal::AuthenticationTooOld,
    Refusal::BodyMalformed,
    Refusal::BodyTimeout,
    Refusal::BodyTooLarge,
    Refusal::ContentCodingUnsupported,
    Refusal::ContentTypeUnsupported,
    Refusal::CredentialsAmbiguous,
    Refusal::CredentialsInvalid,
    Refusal::CredentialsMissing,
    Refusal::CredentialsRevoked,
    Refusal::Forbidden,
    Refusal::HeadMalformed,
    Refusal::Hidden,
    Refusal::HttpsRequired,
    Refusal::InputInvalid,
    Refusal::MethodNotAllowed,
    Refusal::NotConfigured,
    Refusal::NotFound,
    Refusal::QuotaExceeded,
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
        Refusal::Hidden => caller(service.get("/hidden/7")),
        Refusal::HttpsRequired => {
            let service =
                TestService::with(routes, |security| security.settings(Settings::default())).await;
            return caller(service.get("/admin")).send().await;
        }
        Refusal::InputInvalid => marked(service.post("/things")).json(json!({ "name": CANARY })),
        Refusal::MethodNotAllowed => marked(service.delete("/things")),
        Refusal::NotConfigured => caller(service.get("/missing")),
        Refusal::NotFound => marked(service.get("/canary-5up3r53cr3t?canary-5up3r53cr3t")),
        Refusal::QuotaExceeded => {
            assert_eq!(caller(service.get("/rare")).send().await.status(), 200);
            caller(service.get("/rare"))
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

async fn unguarded() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("x-canary", CANARY))
        .insert_header(("set-cookie", CANARY))
        .body(CANARY)
}

#[actix_web::test]
async fn h16_every_refusal_is_problem_details_and_says_nothing_of_the_request() {
    for refusal in ALL {
        let response = reach(refusal).await;
        response.assert_refused(refusal);
        let problem: Value = response.json();
        let context = format!("{refusal:?}: {problem}");

        assert_eq!(problem["status"], refusal.status().as_u16(), "{context}");
        let quota = "https://iana.org/assignments/http-problem-types#quota-exceeded";
        let kind = match refusal {
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

#[actix_web::test]
async fn h01_each_401_has_one_challenge_and_h08_its_characters_are_allowed() {
    for refusal in ALL {
        let response = reach(refusal).await;
        let challenges = response.headers().get_all("www-authenticate").count();
        let expected = match refusal {
            Refusal::CredentialsAmbiguous | Refusal::ScopeMissing => 1,
            _ if refusal.status() == 401 => 1,
            _ => 0,
        };
        assert_eq!(challenges, expected, "{refusal:?}");
        if expected == 0 {
            continue;
        }
        let text = challenge(&response);
        assert!(text.starts_with("Bearer realm=\"things\""), "{text}");
        if let Some((_, rest)) = text.split_once("error_description=\"") {
            let description = rest.split('"').next().unwrap();
            assert!(
                description
                    .bytes()
                    .all(|byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)),
                "{text}"
            );
        }
    }
}

#[actix_web::test]
async fn challenges_are_exactly_these() {
    for (refusal, expected) in [
        (Refusal::CredentialsMissing, "Bearer realm=\"things\""),
        (
            Refusal::CredentialsInvalid,
            "Bearer realm=\"things\", error=\"invalid_token\", error_description=\"the access token is not valid\"",
        ),
        (
            Refusal::CredentialsRevoked,
            "Bearer realm=\"things\", error=\"invalid_token\", error_description=\"the access token is not valid\"",
        ),
        (
            Refusal::CredentialsAmbiguous,
            "Bearer realm=\"things\", error=\"invalid_request\", error_description=\"credentials were sent more than once\"",
        ),
        (
            Refusal::ScopeMissing,
            "Bearer realm=\"things\", error=\"insufficient_scope\", error_description=\"the access token does not permit this\", scope=\"orders:read orders:write\"",
        ),
        (
            Refusal::AuthenticationTooOld,
            "Bearer realm=\"things\", error=\"insufficient_user_authentication\", error_description=\"a more recent authentication is required\", max_age=\"600\"",
        ),
    ] {
        assert_eq!(challenge(&reach(refusal).await), expected, "{refusal:?}");
    }
}

#[actix_web::test]
async fn h02_without_credentials_the_challenge_has_no_error() {
    let service = service().await;
    for field in [
        None,
        Some("Basic Zm9vOmJhcg=="),
        Some("DPoP a.b.c"),
        Some(""),
    ] {
        let mut call = service.get("/admin");
        if let Some(field) = field {
            call = call.header("authorization", field);
        }
        let response = call.send().await;
        response.assert_refused(Refusal::CredentialsMissing);
        assert_eq!(challenge(&response), "Bearer realm=\"things\"", "{field:?}");
    }
}

#[actix_web::test]
async fn h05_two_tokens_are_400_invalid_request() {
    let service = service().await;
    let token = service.tokens().token("ann").role("admin").sign();
    let response = service
        .get("/admin")
        .header("authorization", format!("Bearer {token}"))
        .header("authorization", format!("Bearer {token}"))
        .send()
        .await;
    response.assert_refused(Refusal::CredentialsAmbiguous);
    assert_eq!(response.status(), 400);
    assert!(challenge(&response).contains("error=\"invalid_request\""));
    assert!(!format!("{response:?}").contains(&token));
}

#[actix_web::test]
async fn h07_the_challenge_points_to_the_resource_metadata() {
    let service = TestService::with(routes, |security| {
        let mut settings = Settings::default();
        settings.danger.plaintext = true;
        settings.resource_metadata = Some("https://things.test/metadata".to_owned());
        security.settings(settings)
    })
    .await;
    let response = service.get("/admin").send().await;
    assert_eq!(
        challenge(&response),
        "Bearer realm=\"api\", resource_metadata=\"https://things.test/metadata\""
    );
}

#[actix_web::test]
async fn h09_a_token_in_the_query_or_in_a_form_is_ignored_and_not_echoed() {
    let service = service().await;
    let token = service.tokens().token("ann").role("admin").sign();
    let in_query = service
        .get(&format!("/admin?access_token={token}"))
        .send()
        .await;
    let in_form = service
        .get("/admin")
        .body(
            "application/x-www-form-urlencoded",
            format!("access_token={token}"),
        )
        .send()
        .await;
    let in_cookie = service
        .get("/admin")
        .header("cookie", format!("access_token={token}"))
        .send()
        .await;
    for response in [in_query, in_form, in_cookie] {
        response.assert_refused(Refusal::CredentialsMissing);
        assert!(!format!("{response:?}").contains(&token));
    }
}

#[actix_web::test]
async fn h10_a_hidden_thing_looks_exactly_like_nothing() {
    let service = service().await;
    let hidden = service.get("/hidden/7").subject("somebody").send().await;
    let nothing = service.get("/nothing/7").subject("somebody").send().await;
    hidden.assert_refused(Refusal::Hidden);
    assert_eq!(hidden.status(), nothing.status());
    assert_eq!(hidden.body(), nothing.body());
    let fields = |response: &TestResponse| {
        let mut fields: Vec<_> = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.clone()))
            .collect();
        fields.sort_by(|one, other| one.0.cmp(&other.0));
        fields
    };
    assert_eq!(fields(&hidden), fields(&nothing));
    assert_eq!(
        service
            .get("/hidden/7")
            .subject("owner")
            .send()
            .await
            .text(),
        "owner 7"
    );
}

#[actix_web::test]
async fn h11_other_methods_are_405_with_allow() {
    let service = service().await;
    for method in METHODS {
        for (path, allow) in [
            ("/things", "GET, POST"),
            ("/things?x=%zz", "GET, POST"),
            // The router resolves escapes, and so must the table.
            ("/%74hings", "GET, POST"),
            ("/admin", "GET"),
            ("/hidden/7", "GET"),
        ] {
            if allow.split(", ").any(|allowed| allowed == method.as_str()) {
                continue;
            }
            let response = service
                .call(method.clone(), path)
                .role("admin")
                .send()
                .await;
            response.assert_refused(Refusal::MethodNotAllowed);
            assert_eq!(response.header("allow"), Some(allow), "{method} {path}");
        }
    }
    for method in METHODS {
        let response = service.call(method, "/nothing").send().await;
        response.assert_refused(Refusal::NotFound);
        assert_eq!(response.header("allow"), None);
    }
}

#[actix_web::test]
async fn h12_a_body_above_the_limit_is_413() {
    let service = service().await;
    let fits = format!("{:1$}", r#"{"name":"abc"}"#, 1000);
    let over = format!("{fits} ");
    for (body, refused) in [(fits, false), (over, true)] {
        let declared = service
            .post("/things")
            .body("application/json", body.clone())
            .send()
            .await;
        let chunked = service
            .post("/things")
            .stream(
                "application/json",
                Upload::new([body], crate::rig::End::Finished),
            )
            .send()
            .await;
        for response in [declared, chunked] {
            if refused {
                response.assert_refused(Refusal::BodyTooLarge);
            } else {
                assert_eq!(response.text(), "abc");
            }
        }
    }
}

#[actix_web::test]
async fn h13_a_content_type_that_is_not_read_is_415() {
    let service = service().await;
    let body = r#"{"name":"abc"}"#;
    for kind in ["text/plain", "application/json; charset=utf-16", "x"] {
        let response = service.post("/things").body(kind, body).send().await;
        response.assert_refused(Refusal::ContentTypeUnsupported);
    }
    let coding = service
        .post("/things")
        .json(json!({ "name": "abc" }))
        .header("content-encoding", "br")
        .send()
        .await;
    assert_eq!(coding.header("accept-encoding"), Some("identity"));
}

#[actix_web::test]
async fn h15_undecided_is_503_with_retry_after() {
    let response = reach(Refusal::Undecided).await;
    assert_eq!(response.status(), 503);
    assert_eq!(response.header("retry-after"), Some("1"));
}

#[actix_web::test]
async fn l01_l07_a_quota_that_is_used_up_is_429_and_named() {
    let response = reach(Refusal::QuotaExceeded).await;
    assert_eq!(response.status(), 429);
    assert_eq!(response.header("retry-after"), Some("60"));
    let problem: Value = response.json();
    assert_eq!(problem["violated-policies"], json!(["1/min"]));
}

/// A handler may refuse in the same words, and its refusal is like any other.
#[actix_web::test]
async fn a_handlers_own_rejection_is_a_row_of_the_table() {
    #[secured]
    async fn refusing() -> Result<HttpResponse, secure_runtime::Rejection> {
        Err(secure_runtime::Rejection::new(
            Refusal::CredentialsInvalid,
            "the handler says so",
        ))
    }
    let log = crate::rig::Log::capture();
    let service = TestService::with(
        |routes| {
            routes.route("/refusing", actix_web::http::Method::GET, refusing);
        },
        |security| {
            let mut settings = Settings::default();
            settings.danger.plaintext = true;
            settings.realm = "things".to_owned();
            security.settings(settings)
        },
    )
    .await;
    let response = service.get("/refusing").subject("ann").send().await;
    response.assert_refused(Refusal::CredentialsInvalid);
    assert!(challenge(&response).starts_with("Bearer realm=\"things\""));
    assert_eq!(response.header("ratelimit"), None);
    let records = log.take_audit();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].field("reason"), Some("the handler says so"));
}
