//! Tokens that were revoked, as clients see it.

use std::time::Duration;

use actix_web::{HttpResponse, Responder, get, post};
use secure_runtime::{
    Principal, Refusal, Rejection, RevocationList, RevocationTarget, Routes, secured,
    testing::TestService,
};

const ISSUER: &str = "https://issuer.test";

#[secured]
#[get("/usual")]
async fn usual() -> impl Responder {
    "usual"
}

#[secured(revocation = "0s")]
#[get("/strict")]
async fn strict() -> impl Responder {
    "strict"
}

#[secured(revocation(off = "only reads what is public anyway"))]
#[get("/off")]
async fn off() -> impl Responder {
    "off"
}

#[secured(public)]
#[get("/open")]
async fn open(caller: Option<Principal>) -> impl Responder {
    match caller {
        Some(caller) => caller.subject().to_owned(),
        None => "nobody".to_owned(),
    }
}

#[secured]
#[post("/logout")]
async fn logout(caller: Principal, revocations: RevocationList) -> Result<HttpResponse, Rejection> {
    revocations.revoke(&caller).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn routes(routes: &mut Routes) {
    routes
        .service(usual)
        .service(strict)
        .service(off)
        .service(open)
        .service(logout);
}

async fn status(service: &TestService, path: &str, token: &str) -> u16 {
    let response = service.get(path).bearer(token).send().await;
    if response.status() == 401 {
        response.assert_refused(Refusal::CredentialsRevoked);
        let challenge = response.header("www-authenticate").unwrap();
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    }
    response.status().as_u16()
}

/// R1: after the logout the token is of no use, though it was verified and is in the cache.
#[actix_web::test]
async fn r01_a_token_that_logged_out_is_refused() {
    let service = TestService::new(routes).await;
    let token = service.tokens().token("ann").sign();
    let phone = service.tokens().token("ann").sign();
    for path in ["/usual", "/strict", "/off", "/open"] {
        assert_eq!(status(&service, path, &token).await, 200, "{path}");
    }
    let response = service.post("/logout").bearer(&token).send().await;
    assert_eq!(response.status(), 204);
    for (path, expected) in [
        ("/usual", 401),
        ("/strict", 401),
        ("/off", 200),
        ("/open", 401),
    ] {
        assert_eq!(status(&service, path, &token).await, expected, "{path}");
        assert_eq!(status(&service, path, &phone).await, 200, "{path}");
    }
    // Once more, and nothing is different.
    let response = service.post("/logout").bearer(&token).send().await;
    response.assert_refused(Refusal::CredentialsRevoked);
    // Until it has expired, and then too.
    service.advance(Duration::from_secs(359));
    assert_eq!(status(&service, "/usual", &token).await, 401);
    service.advance(Duration::from_secs(1));
    let response = service.get("/usual").bearer(&token).send().await;
    response.assert_refused(Refusal::CredentialsInvalid);
}

/// R2, R3: every session of a user ends; a new login begins another.
#[actix_web::test]
async fn r02_all_tokens_of_a_subject_are_refused() {
    let service = TestService::new(routes).await;
    let tokens: Vec<_> = (0..3)
        .map(|_| service.tokens().token("ann").sign())
        .collect();
    let other = service.tokens().token("bob").sign();
    // One of them has never been seen before it is revoked.
    assert_eq!(status(&service, "/usual", &tokens[0]).await, 200);
    let revocations = service.security().revocations();
    revocations.revoke_subject(ISSUER, "ann").await.unwrap();
    for token in &tokens {
        assert_eq!(status(&service, "/usual", token).await, 401);
        assert_eq!(status(&service, "/open", token).await, 401);
    }
    assert_eq!(status(&service, "/usual", &other).await, 200);
    service.advance(Duration::from_secs(1));
    let again = service.tokens().token("ann").sign();
    assert_eq!(status(&service, "/usual", &again).await, 200);

    let ann = RevocationTarget::Subject {
        issuer: ISSUER.to_owned(),
        subject: "ann".to_owned(),
    };
    assert!(revocations.lift(&ann).await.unwrap());
    assert_eq!(status(&service, "/usual", &tokens[0]).await, 200);
}

/// A revoked token that is tried again and again counts as guessing does.
#[actix_web::test]
async fn refused_tokens_count_against_the_address() {
    let service = TestService::new(routes).await;
    let token = service.tokens().token("ann").sign();
    let revocations = service.security().revocations();
    revocations.revoke_all().await.unwrap();
    for _ in 0..60 {
        assert_eq!(status(&service, "/usual", &token).await, 401);
    }
    assert_eq!(status(&service, "/usual", &token).await, 429);
}

/// The lock file says what every route demands.
#[test]
fn the_lock_file_shows_the_bound() {
    let lock = secure_runtime::Manifest::of(routes).lock();
    for line in [
        "  revocation    2 s\n",
        "  revocation    0 s\n",
        "  revocation    off \"only reads what is public anyway\"\n",
    ] {
        assert!(lock.contains(line), "{line} in {lock}");
    }
    assert_eq!(lock.matches("  revocation ").count(), 4, "{lock}");
    let table = secure_runtime::Manifest::of(routes).table();
    assert_eq!(table.matches("revocation off").count(), 1, "{table}");
    assert_eq!(table.matches("revocation").count(), 1, "{table}");
}
