//! Access tokens through the whole service: which are refused, how issuers differ, and what
//! guessing costs.

mod issuers;

use std::time::Duration;

use actix_web::{Responder, get, web};
use secure_runtime::{
    Claims, HmacAlgorithm, Issuer, MAX_TOKEN_BYTES, Principal, Refusal, Routes, SecretSlice,
    VerifyingKey, secured,
    testing::{TestResponse, TestService, Token, Tokens},
};
use serde_json::{Value, json};

use crate::rig::{challenge, pointers};

/// From RFC 8410 section 10: nobody's secret.
const PRIVATE_PEM: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";
const PUBLIC_PEM: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
";

#[secured]
#[get("/me")]
async fn me(caller: Principal) -> impl Responder {
    format!("{} of {}", caller.subject(), caller.issuer())
}

#[secured(role = "admin", scope = "orders:read", rate = "1000/s")]
#[get("/admin")]
async fn admin() -> impl Responder {
    "admin"
}

#[secured(public, rate = "1000/s")]
#[get("/greeting")]
async fn greeting(caller: Option<Principal>) -> impl Responder {
    match caller {
        Some(caller) => format!("hello, {}", caller.subject()),
        None => "hello".to_owned(),
    }
}

#[derive(serde::Deserialize)]
struct Tenant {
    tenant: u64,
}

#[secured]
#[get("/tenant")]
async fn tenant(Claims(tenant): Claims<Tenant>) -> impl Responder {
    tenant.tenant.to_string()
}

#[secured(public, rate = "1000/s")]
#[get("/tenant/optional")]
async fn optional_tenant(tenant: Option<Claims<Tenant>>) -> impl Responder {
    format!("{:?}", tenant.map(|Claims(tenant)| tenant.tenant))
}

fn routes(routes: &mut Routes) {
    routes
        .service(me)
        .service(admin)
        .service(greeting)
        .service(tenant)
        .service(optional_tenant);
}

async fn service() -> TestService {
    TestService::new(routes).await
}

async fn me_with(service: &TestService, edit: impl FnOnce(Token) -> Token) -> TestResponse {
    service.get("/me").edit_token(edit).send().await
}

type Edit = fn(Token) -> Token;

#[actix_web::test]
async fn j_tokens_with_one_thing_wrong_are_all_refused_alike() {
    let service = service().await;
    let accepted = me_with(&service, |token| token).await;
    assert_eq!(accepted.text(), "somebody of https://issuer.test");

    let wrong: [(&str, Edit); 39] = [
        ("j01 alg of another key", |t| t.header("alg", "RS256")),
        ("j02 alg of another family", |t| t.header("alg", "HS256")),
        ("j03 none", |t| t.header("alg", "none")),
        ("j03 None", |t| t.header("alg", "None")),
        ("j03 nOnE", |t| t.header("alg", "nOnE")),
        ("j03 empty", |t| t.header("alg", "")),
        ("j03 list", |t| t.header("alg", json!(["EdDSA"]))),
        ("j08 crit", |t| t.header("crit", json!(["exp"]))),
        ("j08 empty crit", |t| t.header("crit", json!([]))),
        ("j09 jku", |t| t.header("jku", "https://evil.test/keys")),
        ("j09 jwk", |t| t.header("jwk", json!({ "kty": "OKP" }))),
        ("j09 x5c", |t| t.header("x5c", json!(["MIIB"]))),
        ("j10 JWT", |t| t.header("typ", "JWT")),
        ("j10 dpop", |t| t.header("typ", "dpop+jwt")),
        ("j10 logout", |t| t.header("typ", "logout+jwt")),
        ("j10 number", |t| t.header("typ", 7)),
        ("j11 iss", |t| t.claim("iss", "https://issuer.test/")),
        ("j11 iss number", |t| t.claim("iss", 7)),
        ("j11 no iss", |t| t.without("iss")),
        ("j12 aud", |t| t.claim("aud", "other.test")),
        ("j12 aud object", |t| t.claim("aud", json!({}))),
        ("j12 empty aud", |t| t.claim("aud", json!([]))),
        ("j12 no aud", |t| t.without("aud")),
        ("j13 exp", |t| t.claim("exp", 1_767_225_600 - 61)),
        ("j13 exp text", |t| t.claim("exp", "9999999999")),
        ("j13 exp infinite", |t| t.claim("exp", 1e300)),
        ("j13 nbf", |t| t.claim("nbf", 1_767_225_600 + 61)),
        ("j13 iat", |t| t.claim("iat", 1_767_225_600 + 61)),
        ("j13 no exp", |t| t.without("exp")),
        ("j14 no sub", |t| t.without("sub")),
        ("j14 empty sub", |t| t.claim("sub", "")),
        ("j14 no client", |t| t.without("client_id")),
        ("j14 no iat", |t| t.without("iat")),
        ("j14 no jti", |t| t.without("jti")),
        ("j17 ID token", |t| t.claim("at_hash", "x")),
        ("j17 logout token", |t| t.claim("events", json!({}))),
        ("j17 DPoP proof", |t| t.claim("htm", "GET")),
        ("d02 bound to a key", |t| {
            t.claim("cnf", json!({ "jkt": "x" }))
        }),
        ("roles not texts", |t| t.claim("roles", json!([1]))),
    ];
    let mut bodies = Vec::new();
    for (what, edit) in wrong {
        let response = me_with(&service, edit).await;
        assert_eq!(response.status(), 401, "{what}: {}", response.text());
        response.assert_refused(Refusal::CredentialsInvalid);
        assert!(
            challenge(&response).contains("error=\"invalid_token\""),
            "{what}"
        );
        bodies.push((challenge(&response).to_owned(), response.body().clone()));
    }
    // Nobody learns which check it was.
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
}

#[actix_web::test]
async fn j_tokens_with_something_harmless_are_accepted() {
    let service = service().await;
    let harmless: [(&str, Edit); 8] = [
        ("j10 case", |t| t.header("typ", "AT+JWT")),
        ("j10 media type", |t| t.header("typ", "application/at+jwt")),
        // The only key of the issuer has no name, so this chooses nothing.
        ("j09 kid", |t| t.header("kid", "../../dev/null' OR 1=1")),
        ("j12 list", |t| t.claim("aud", json!(["x", "service.test"]))),
        ("j13 leeway", |t| t.claim("exp", 1_767_225_600 - 59)),
        ("j13 nbf", |t| t.claim("nbf", 1_767_225_600 + 60)),
        ("fraction", |t| t.claim("iat", 1_767_225_600.5)),
        ("more claims", |t| {
            t.claim("x", json!({ "y": [null, true] }))
        }),
    ];
    for (what, edit) in harmless {
        let response = me_with(&service, edit).await;
        assert_eq!(response.status(), 200, "{what}: {}", response.text());
    }
}

#[actix_web::test]
async fn j06_the_text_of_a_token_is_strict() {
    let service = service().await;
    let token = service.tokens().token("ann").sign();
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        panic!("{token}")
    };
    let long = format!("{header}.{claims}.{}", "A".repeat(MAX_TOKEN_BYTES));
    let last = signature.chars().last().unwrap();
    // The last character of 64 bytes carries four bits that must be zero.
    let other_bits = char::from(last as u8 + 1);
    for wrong in [
        String::new(),
        format!("{header}.{claims}."),
        format!("{header}.{claims}"),
        format!("{token}."),
        format!("{token}.{signature}"),
        format!("{token}="),
        format!("{token}=="),
        format!("{header} .{claims}.{signature}"),
        format!("{token} x"),
        format!("{token},"),
        format!("{token}, Bearer {token}"),
        format!("{token}\u{e9}"),
        format!("{}{other_bits}", token.strip_suffix(last).unwrap()),
        format!("{header}.{}.{signature}", claims.to_lowercase()),
        long,
    ] {
        let response = service
            .get("/me")
            .header("authorization", format!("Bearer {wrong}"))
            .send()
            .await;
        response.assert_refused(Refusal::CredentialsInvalid);
    }
    for field in [
        format!("Bearer {token}"),
        format!("bearer {token}"),
        format!("BEARER  {token}"),
    ] {
        let response = service
            .get("/me")
            .header("authorization", field)
            .send()
            .await;
        assert_eq!(response.status(), 200);
    }
}

#[actix_web::test]
async fn a_caller_on_a_public_route_may_be_unknown_but_not_wrong() {
    let service = service().await;
    assert_eq!(service.get("/greeting").send().await.text(), "hello");
    let known = service.get("/greeting").subject("ann").send().await;
    assert_eq!(known.text(), "hello, ann");
    service
        .get("/greeting")
        .claim("exp", 1)
        .send()
        .await
        .assert_refused(Refusal::CredentialsInvalid);
    service
        .get("/greeting")
        .header("authorization", "Basic eDp5")
        .send()
        .await
        .assert_refused(Refusal::CredentialsMissing);
    let token = service.tokens().token("ann").sign();
    service
        .get("/greeting")
        .header("authorization", format!("Bearer {token}"))
        .header("authorization", format!("Bearer {token}"))
        .send()
        .await
        .assert_refused(Refusal::CredentialsAmbiguous);
}

#[actix_web::test]
async fn claims_of_ones_own_type() {
    let service = service().await;
    let with = |value: Value| service.get("/tenant").claim("tenant", value).send();
    assert_eq!(with(json!(7)).await.text(), "7");
    let wrong = with(json!("canary")).await;
    wrong.assert_refused(Refusal::CredentialsInvalid);
    assert!(!wrong.text().contains("canary"));
    assert!(pointers(&wrong).is_empty());
    let unknown = service.get("/tenant/optional").send();
    assert_eq!(unknown.await.text(), "None");
    let known = service.get("/tenant/optional").claim("tenant", 8).send();
    assert_eq!(known.await.text(), "Some(8)");
}

#[actix_web::test]
async fn j13_a_token_ends_with_its_leeway_remembered_or_not() {
    let service = service().await;
    let token = service.tokens().token("ann").sign();
    let send = || service.get("/me").bearer(token.clone()).send();
    assert_eq!(send().await.status(), 200);
    service.advance(Duration::from_secs(300 + 59));
    assert_eq!(send().await.status(), 200);
    service.advance(Duration::from_secs(1));
    send().await.assert_refused(Refusal::CredentialsInvalid);
}

#[actix_web::test]
async fn guessing_ends_in_429_and_valid_callers_behind_the_address_go_on() {
    let service = service().await;
    let guess = |path: &'static str, address: &str| {
        service
            .get(path)
            .peer(address.parse().unwrap())
            .bearer("a.b.c")
            .send()
    };
    let mut refused = 0;
    let limited = loop {
        let response = guess("/admin", "203.0.113.1").await;
        if response.status() == 429 {
            break response;
        }
        response.assert_refused(Refusal::CredentialsInvalid);
        refused += 1;
        assert!(refused < 1000, "guessing never ends");
    };
    assert_eq!(refused, 60);
    limited.assert_refused(Refusal::QuotaExceeded);
    assert_eq!(limited.header("www-authenticate"), None);

    // On every route, with optional credentials too, and not for others.
    guess("/me", "203.0.113.1")
        .await
        .assert_refused(Refusal::QuotaExceeded);
    guess("/greeting", "203.0.113.1")
        .await
        .assert_refused(Refusal::QuotaExceeded);
    guess("/me", "203.0.113.2")
        .await
        .assert_refused(Refusal::CredentialsInvalid);

    let neighbour = service.get("/me").peer("203.0.113.1".parse().unwrap());
    assert_eq!(neighbour.subject("ann").send().await.status(), 200);
    // Who sends nothing guesses nothing.
    let nobody = service.get("/me").peer("203.0.113.1".parse().unwrap());
    nobody
        .send()
        .await
        .assert_refused(Refusal::CredentialsMissing);

    let wait: u64 = limited.header("retry-after").unwrap().parse().unwrap();
    service.advance(Duration::from_secs(wait));
    guess("/me", "203.0.113.1")
        .await
        .assert_refused(Refusal::CredentialsInvalid);
}

#[actix_web::test]
async fn a_known_refusal_counts_against_the_address() {
    let service = service().await;
    let (token, other) = (service.tokens().token("ann"), service.tokens().token("bob"));
    let (token, other) = (token.sign(), other.sign());
    let signed = token.rsplit_once('.').unwrap().0;
    let forged = format!("{signed}.{}", other.rsplit_once('.').unwrap().1);
    let send = || service.get("/me").bearer(forged.clone()).send();
    for _ in 0..60 {
        send().await.assert_refused(Refusal::CredentialsInvalid);
    }
    send().await.assert_refused(Refusal::QuotaExceeded);
}

/// The type of what is taken is what decides, not its name.
#[actix_web::test]
async fn a_type_alias_of_the_caller_is_the_caller() {
    type Somebody = Option<Principal>;

    #[secured(public, rate = "10/s")]
    #[get("/alias")]
    async fn alias(somebody: Somebody, _data: Option<web::Data<u8>>) -> impl Responder {
        somebody.is_some().to_string()
    }
    let service = TestService::new(|routes| {
        routes.service(alias);
    })
    .await;
    assert_eq!(service.get("/alias").send().await.text(), "false");
    assert_eq!(
        service.get("/alias").subject("x").send().await.text(),
        "true"
    );
}
