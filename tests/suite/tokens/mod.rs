//! Tokens that the service issues itself, as clients see them.

mod introspection;
mod revocation;
mod sessions;

use std::{net::IpAddr, num::NonZeroUsize, time::Duration};

use actix_web::{App, HttpResponse, get, post, web};
use base64::{Engine, engine::general_purpose::STANDARD};
use secure_runtime::{
    Principal, Refusal, Rejection, Routes, Security, Settings, StrikeKind, TokenIssuer, secured,
    settings::{BanRuleSettings, ClientSettings},
    testing::{self, TestCall, TestResponse, TestService},
    tokens::{
        IntrospectionEndpoint, IssuedTokens, JwksEndpoint, RefreshToken, RevocationEndpoint,
        Subject,
    },
};
use serde_json::{Value, json};

const WEB: (&str, &str) = ("web", "web-secret-kX7rSxj2F1p9QeT4mVb8Lw0a");
const APP: (&str, &str) = ("app", "app-secret-Zq3LwMv9Yb2Nd8Tc5Rk1Hf7Js");
/// With characters that a form escapes.
const GATEWAY: (&str, &str) = ("gate:way", "gateway-secret-a+b%c:d Pz6Qx4Wm9Vt2");

/// As `printf %s "$SECRET" | sha256sum` prints them.
const WEB_SHA256: &str = "4b36efcbb726b9fa53d30125324a72de21526a15adb80f5fd2b34de72a049131";
const APP_SHA256: &str = "0a0873c2f70313420810bf4e9cef503c57a1653e6d02347acb26dc6c5c854422";
const GATEWAY_SHA256: &str = "4ff279a21ea686dd83d946510daa8ecf8093585f3318f8a8ef0f75c88f7820ad";
/// Of `short-secret`.
const SHORT_SHA256: &str = "4cce02651adfe68671a2ece9f39525b024e61514344122ce93b13f1cc59982cc";

#[derive(serde::Deserialize, garde::Validate)]
struct Login {
    #[garde(length(max = 40))]
    name: String,
    #[garde(length(max = 40))]
    client: String,
}

#[derive(serde::Deserialize, garde::Validate)]
struct Refresh {
    #[garde(skip)]
    refresh_token: RefreshToken,
}

#[secured(public, rate = "100000/s")]
#[post("/login")]
async fn login(
    issuer: TokenIssuer,
    body: web::Json<Login>,
) -> Result<web::Json<IssuedTokens>, Rejection> {
    let Login { name, client } = body.into_inner();
    let subject = Subject::new(name, client)
        .role("customer")
        .scope("orders:read");
    Ok(web::Json(issuer.open_session(subject).await?))
}

#[secured(public, rate = "100000/s")]
#[post("/refresh")]
async fn refresh(
    issuer: TokenIssuer,
    body: web::Json<Refresh>,
) -> Result<web::Json<IssuedTokens>, Rejection> {
    Ok(web::Json(issuer.refresh(&body.refresh_token).await?))
}

#[secured(role = "customer", scope = "orders:read", max_age = "15min")]
#[get("/me")]
async fn me(caller: Principal) -> String {
    caller.subject().to_owned()
}

#[secured]
#[post("/logout")]
async fn logout(caller: Principal, issuer: TokenIssuer) -> Result<HttpResponse, Rejection> {
    issuer.end_session(&caller).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What a handler does after it has changed the password.
#[secured]
#[post("/password")]
async fn change_password(
    caller: Principal,
    issuer: TokenIssuer,
) -> Result<HttpResponse, Rejection> {
    let ended = issuer.end_other_sessions(&caller).await?;
    Ok(HttpResponse::Ok().json(ended))
}

fn routes(routes: &mut Routes) {
    routes
        .service(login)
        .service(refresh)
        .service(me)
        .service(logout)
        .service(change_password)
        .service(JwksEndpoint)
        .scope("/oauth", |oauth| {
            oauth
                .service(RevocationEndpoint)
                .service(IntrospectionEndpoint);
        });
}

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.danger.plaintext = true;
    settings.realm = "shop".to_owned();
    settings.token_issuer = Some(testing::token_issuer());
    settings.clients = vec![
        ClientSettings::new(WEB.0, WEB_SHA256),
        ClientSettings::new(APP.0, APP_SHA256),
        ClientSettings::new(GATEWAY.0, GATEWAY_SHA256).may_introspect(),
        ClientSettings::new("short", SHORT_SHA256).may_introspect(),
    ];
    settings
}

async fn service() -> TestService {
    TestService::with(routes, |security| security.settings(settings())).await
}

/// What a client was given.
#[derive(Clone)]
struct Tokens {
    access: String,
    refresh: String,
}

impl Tokens {
    fn of(response: &TestResponse) -> Self {
        assert_eq!(response.status(), 200, "{}", response.text());
        let body: Value = response.json();
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        Self {
            access: text("access_token"),
            refresh: text("refresh_token"),
        }
    }
}

async fn log_in(service: &TestService, name: &str, client: &str) -> Tokens {
    let body = json!({ "name": name, "client": client });
    Tokens::of(&service.post("/login").json(body).send().await)
}

async fn refreshed(service: &TestService, token: &str) -> TestResponse {
    let body = json!({ "refresh_token": token });
    service.post("/refresh").json(body).send().await
}

async fn is_good(service: &TestService, token: &str) -> bool {
    service.get("/me").bearer(token).send().await.status() == 200
}

/// As RFC 6749 section 2.3.1 has it: escaped as in a form, then in base64.
fn basic((id, secret): (&str, &str)) -> String {
    let escape = |text: &str| {
        text.replace('%', "%25")
            .replace('+', "%2B")
            .replace(':', "%3A")
            .replace(' ', "+")
    };
    let pair = format!("{}:{}", escape(id), escape(secret));
    format!("Basic {}", STANDARD.encode(pair))
}

fn ask<'a>(
    service: &'a TestService,
    path: &str,
    client: (&str, &str),
    form: impl Into<String>,
) -> TestCall<'a> {
    service
        .post(path)
        .header("authorization", basic(client))
        .body("application/x-www-form-urlencoded", form.into())
}

async fn introspect(service: &TestService, token: &str) -> Value {
    let form = format!("token={token}");
    let response = ask(service, "/oauth/introspect", GATEWAY, form)
        .send()
        .await;
    assert_eq!(response.status(), 200, "{}", response.text());
    assert_eq!(response.header("cache-control"), Some("no-store"));
    response.json()
}

/// RFC 6749 section 5.2.
#[track_caller]
fn assert_error(response: &TestResponse, status: u16, code: &str) {
    assert_eq!(response.status(), status, "{}", response.text());
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.header("cache-control"), Some("no-store"));
    let body: Value = response.json();
    assert_eq!(body["error"], code);
    let description = body["error_description"].as_str().unwrap();
    // H8: what may stand there.
    let allowed = |byte: u8| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    assert!(description.bytes().all(allowed), "{description}");
    let members = body.as_object().unwrap().len();
    assert_eq!(members, 2, "{body}");
}

/// Both endpoints ask the same way who calls.
const ENDPOINTS: [&str; 2] = ["/oauth/revoke", "/oauth/introspect"];

/// R9, R10, RFC 6749 section 5.2: without its secret a client learns nothing, with 401 and `Basic`.
#[actix_web::test]
async fn r09_r10_a_client_that_does_not_authenticate_is_401() {
    let service = service().await;
    let tokens = log_in(&service, "ann", "web").await;
    let form = format!("token={}", tokens.access);
    let own = STANDARD.encode(format!("{}:{}", WEB.0, WEB.1));
    for path in ENDPOINTS {
        for authorization in [
            None,
            Some(basic((WEB.0, APP.1))),
            Some(basic(("nobody", WEB.1))),
            Some(basic((WEB.0, ""))),
            Some(basic(("", ""))),
            Some(basic(("short", "short-secret"))),
            Some(basic((WEB.0, WEB_SHA256))),
            Some(format!("Basic {own}!")),
            Some("Basic".to_owned()),
            Some(format!("Bearer {}", tokens.access)),
            Some(format!("Digest {own}")),
        ] {
            let mut call = service
                .post(path)
                .body("application/x-www-form-urlencoded", form.clone());
            if let Some(authorization) = &authorization {
                call = call.header("authorization", authorization);
            }
            let response = call.send().await;
            assert_error(&response, 401, "invalid_client");
            assert_eq!(
                response.header("www-authenticate"),
                Some("Basic realm=\"shop\", charset=\"UTF-8\""),
            );
        }
        // Two are none.
        let call = ask(&service, path, WEB, form.clone()).header("authorization", basic(WEB));
        assert_error(&call.send().await, 401, "invalid_client");
    }
    assert!(is_good(&service, &tokens.access).await);
}

/// Guessing a secret ends in 429, as guessing a token does; nothing of a body was read before.
#[actix_web::test]
async fn r09_guessing_a_secret_is_limited() {
    let service = service().await;
    let guess = async || {
        ask(&service, "/oauth/revoke", ("web", "guess"), "token=x")
            .send()
            .await
    };
    for _ in 0..60 {
        assert_eq!(guess().await.status(), 401);
    }
    let response = guess().await;
    response.assert_refused(Refusal::QuotaExceeded);
    assert!(response.header("retry-after").is_some());
    // Who knows it goes on.
    let response = ask(&service, "/oauth/revoke", WEB, "token=x").send().await;
    assert_eq!(response.status(), 200);
}

/// G11: a wrong secret is a wrong credential, for the rules that ban: beyond the quota of failures
/// too, and a request without any is not.
#[actix_web::test]
async fn g11_guessing_a_secret_bans() {
    for path in ENDPOINTS {
        let service = TestService::with(routes, |security| {
            let mut settings = settings();
            settings.bans.rules = vec![BanRuleSettings::new(
                vec![StrikeKind::Authentication],
                NonZeroUsize::new(65).unwrap(),
                MINUTE,
                MINUTE * 60,
            )];
            security.settings(settings)
        })
        .await;
        let guesser: IpAddr = "203.0.113.7".parse().unwrap();
        let bans = service.security().bans();
        let call = || {
            let form = ("application/x-www-form-urlencoded", "token=x");
            service.post(path).peer(guesser).body(form.0, form.1)
        };
        for _ in 0..100 {
            assert_error(&call().send().await, 401, "invalid_client");
        }
        for number in 0..65 {
            assert!(!bans.is_banned(guesser), "{path} {number}");
            let guess = call().header("authorization", basic(("web", "guess")));
            let status = guess.send().await.status();
            assert_eq!(status, if number < 60 { 401 } else { 429 });
        }
        assert!(bans.is_banned(guesser), "{path}");
        let right = call().header("authorization", basic(GATEWAY)).send().await;
        right.assert_refused(Refusal::Banned);
        let other = ask(&service, path, GATEWAY, "token=x").send().await;
        assert_eq!(other.status(), 200);
    }
}

/// RFC 6749 section 3.2, RFC 7009 section 2.1: a form with one `token`, by POST.
#[actix_web::test]
async fn r09_r10_a_request_that_is_wrong_is_400() {
    let service = service().await;
    for path in ENDPOINTS {
        for form in [
            "",
            "tokens=x",
            "token_type_hint=access_token",
            "token=x&token=x",
            "token=%zz",
            "token=x&client_secret=web-secret-kX7rSxj2F1p9QeT4mVb8Lw0a",
            "token=x&client_assertion=x",
        ] {
            let response = ask(&service, path, GATEWAY, form).send().await;
            assert_error(&response, 400, "invalid_request");
        }
        let call = service
            .post(path)
            .header("authorization", basic(GATEWAY))
            .json(json!({ "token": "x" }));
        assert_error(&call.send().await, 400, "invalid_request");
        // Parameters that nobody knows are ignored.
        let response = ask(&service, path, GATEWAY, "token=x&colour=blue")
            .send()
            .await;
        assert_eq!(response.status(), 200);
        let response = service.get(path).send().await;
        response.assert_refused(Refusal::MethodNotAllowed);
        let response = ask(
            &service,
            path,
            GATEWAY,
            format!("token={}", "x".repeat(40_000)),
        );
        response.send().await.assert_refused(Refusal::BodyTooLarge);
    }
}

/// What needs an issuer, or clients, does not start without.
#[test]
fn what_needs_an_issuer_or_clients_stops_the_start_without_them() {
    let check = |settings: Settings| {
        let security = Security::builder().settings(settings);
        let manifest = secure_runtime::Manifest::of(|routes: &mut Routes| {
            routes
                .service(JwksEndpoint)
                .service(RevocationEndpoint)
                .service(IntrospectionEndpoint)
                .service(login);
        });
        let checked = security.build().unwrap().check(&manifest);
        checked.map_err(|error| error.to_string())
    };
    let without_issuer = check(Settings::default()).unwrap_err();
    assert_eq!(without_issuer.matches("add `[token_issuer]`").count(), 4);
    assert!(without_issuer.contains("POST /login"), "{without_issuer}");
    let mut issuer_only = settings();
    issuer_only.clients.clear();
    let without_clients = check(issuer_only).unwrap_err();
    assert_eq!(without_clients.matches("add `[[clients]]`").count(), 2);
    assert!(!without_clients.contains("jwks"));
    assert_eq!(check(settings()), Ok(()));
}

/// Nobody has called `Security::check`.
#[actix_web::test]
async fn without_an_issuer_a_handler_that_takes_it_is_500() {
    let app = |security: &Security| {
        App::new().configure(security.routes(|routes| {
            routes.service(login);
        }))
    };
    let service = TestService::of_app(|security| security, app).await;
    let body = json!({ "name": "ann", "client": "web" });
    let response = service.post("/login").json(body).send().await;
    response.assert_refused(Refusal::NotConfigured);
}

/// RFC 7517: for whoever verifies, without credentials, and to be kept for a while.
#[actix_web::test]
async fn the_jwks_is_public() {
    let service = service().await;
    let response = service.get("/.well-known/jwks.json").send().await;
    assert_eq!(response.status(), 200);
    assert_eq!(
        response.header("content-type"),
        Some("application/jwk-set+json")
    );
    assert_eq!(
        response.header("cache-control"),
        Some("public, max-age=300")
    );
    let set: Value = response.json();
    let key = &set["keys"][0];
    for (name, value) in [
        ("kty", "OKP"),
        ("crv", "Ed25519"),
        ("use", "sig"),
        ("alg", "EdDSA"),
        ("kid", "test"),
    ] {
        assert_eq!(key[name], value);
    }
    assert!(key.get("d").is_none());
    let set: jsonwebtoken::jwk::JwkSet = response.json();
    let tokens = log_in(&service, "ann", "web").await;
    let jwk = set.find("test").unwrap();
    let verifying = jsonwebtoken::DecodingKey::from_jwk(jwk).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::EdDSA);
    validation.set_audience(&["service.test"]);
    // The clock of the service stands elsewhere.
    validation.validate_exp = false;
    let decoded = jsonwebtoken::decode::<Value>(&tokens.access, &verifying, &validation);
    assert_eq!(decoded.unwrap().claims["sub"], "ann");
}

const MINUTE: Duration = Duration::from_secs(60);
