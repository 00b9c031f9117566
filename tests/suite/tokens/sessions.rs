//! Logging in, going on, logging out.

use super::*;
use crate::rig::Log;

/// RFC 6749 section 5.1, and a round trip through a guarded route.
#[actix_web::test]
async fn what_is_issued_is_taken() {
    let service = service().await;
    let body = json!({ "name": "ann", "client": "web" });
    let response = service.post("/login").json(body).send().await;
    assert_eq!(response.header("cache-control"), Some("no-store"));
    let body: Value = response.json();
    let members: Vec<_> = body.as_object().unwrap().keys().collect();
    let expected = [
        "access_token",
        "expires_in",
        "refresh_token",
        "scope",
        "token_type",
    ];
    assert_eq!(members, expected);
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 600);
    assert_eq!(body["scope"], "orders:read");

    let tokens = Tokens::of(&response);
    let response = service.get("/me").bearer(&tokens.access).send().await;
    assert_eq!(response.text(), "ann");
    // A refresh token is no access token, and the other way round.
    let response = service.get("/me").bearer(&tokens.refresh).send().await;
    response.assert_refused(Refusal::CredentialsInvalid);
    let response = refreshed(&service, &tokens.access).await;
    response.assert_refused(Refusal::RefreshTokenInvalid);

    service.advance(MINUTE * 11);
    let response = service.get("/me").bearer(&tokens.access).send().await;
    response.assert_refused(Refusal::CredentialsInvalid);
    let next = Tokens::of(&refreshed(&service, &tokens.refresh).await);
    assert!(is_good(&service, &next.access).await);
}

/// A refresh does not authenticate anybody: `max_age` counts from the login.
#[actix_web::test]
async fn a_refresh_is_no_login() {
    let service = service().await;
    let mut tokens = log_in(&service, "ann", "web").await;
    for _ in 0..3 {
        service.advance(MINUTE * 5);
        tokens = Tokens::of(&refreshed(&service, &tokens.refresh).await);
    }
    assert!(is_good(&service, &tokens.access).await);
    service.advance(Duration::from_secs(1));
    let response = service.get("/me").bearer(&tokens.access).send().await;
    response.assert_refused(Refusal::AuthenticationTooOld);
}

/// R1: nothing of the session is good after the logout.
#[actix_web::test]
async fn r01_after_the_logout_nothing_is_good() {
    let service = service().await;
    let first = log_in(&service, "ann", "web").await;
    let second = Tokens::of(&refreshed(&service, &first.refresh).await);
    let phone = log_in(&service, "ann", "app").await;
    let response = service.post("/logout").bearer(&second.access).send().await;
    assert_eq!(response.status(), 204);
    for tokens in [&first, &second] {
        let response = service.get("/me").bearer(&tokens.access).send().await;
        response.assert_refused(Refusal::CredentialsRevoked);
        let response = refreshed(&service, &tokens.refresh).await;
        response.assert_refused(Refusal::RefreshTokenInvalid);
    }
    assert!(is_good(&service, &phone.access).await);
}

/// R3
#[actix_web::test]
async fn r03_a_changed_password_ends_the_other_sessions() {
    let service = service().await;
    let others = [
        log_in(&service, "ann", "web").await,
        log_in(&service, "ann", "app").await,
    ];
    let bob = log_in(&service, "bob", "web").await;
    let mine = log_in(&service, "ann", "web").await;
    let response = service.post("/password").bearer(&mine.access).send().await;
    assert_eq!(response.json::<u32>(), 2);
    for tokens in &others {
        assert!(!is_good(&service, &tokens.access).await);
        assert_eq!(refreshed(&service, &tokens.refresh).await.status(), 400);
    }
    for tokens in [&mine, &bob] {
        assert!(is_good(&service, &tokens.access).await);
        assert_eq!(refreshed(&service, &tokens.refresh).await.status(), 200);
    }
}

/// One answer, whatever is wrong with it; the log says which, and shows no token.
#[actix_web::test]
async fn every_refresh_token_that_is_not_good_has_one_answer() {
    let log = Log::capture();
    let service = service().await;
    let spent = log_in(&service, "ann", "web").await;
    refreshed(&service, &spent.refresh).await;
    service.advance(Duration::from_secs(11));
    let ended = log_in(&service, "ann", "web").await;
    let response = service.post("/logout").bearer(&ended.access).send().await;
    assert_eq!(response.status(), 204);
    let revoked = log_in(&service, "ann", "web").await;
    let revocations = service.security().revocations();
    revocations
        .revoke_client("https://self.test", "web")
        .await
        .unwrap();
    service.advance(Duration::from_secs(1));
    let old = log_in(&service, "ann", "web").await;
    let refuse = async |token: &str| {
        let before = log.take();
        drop(before);
        let response = refreshed(&service, token).await;
        response.assert_refused(Refusal::RefreshTokenInvalid);
        let events: Vec<_> = log
            .take_audit()
            .iter()
            .map(|record| record.field("event").unwrap().to_owned())
            .collect();
        (response.body().clone(), events)
    };
    let mut bodies = Vec::new();
    for (token, expected) in [
        ("garbage", &["authn_token_invalid"][..]),
        (
            &spent.refresh,
            // Its client was revoked too, and that is looked at first.
            &["authn_token_revoked", "authn_token_invalid"],
        ),
        (
            &ended.refresh,
            &["session_use_after_expire", "authn_token_invalid"],
        ),
        (
            &revoked.refresh,
            &["authn_token_revoked", "authn_token_invalid"],
        ),
    ] {
        let (body, events) = refuse(token).await;
        assert_eq!(events, expected);
        bodies.push(body);
    }
    refreshed(&service, &old.refresh).await;
    service.advance(Duration::from_secs(11));
    let (body, events) = refuse(&old.refresh).await;
    assert_eq!(
        events,
        [
            "authn_token_reuse",
            "authn_token_revoked",
            "authn_token_invalid"
        ]
    );
    bodies.push(body);
    let late = log_in(&service, "ann", "web").await;
    service.advance(MINUTE * 60 * 24 * 14);
    let (body, events) = refuse(&late.refresh).await;
    assert_eq!(events, ["session_expired", "authn_token_invalid"]);
    bodies.push(body);
    assert!(bodies.iter().all(|body| *body == bodies[0]));
}

/// ASVS 16.3.1: what happens to sessions is in the log, and no token, subject or client is.
#[actix_web::test]
async fn asvs_16_3_sessions_are_logged_without_tokens() {
    let log = Log::capture();
    let service = service().await;
    let first = log_in(&service, "canary-subject", "canary-client").await;
    let second = Tokens::of(&refreshed(&service, &first.refresh).await);
    service.post("/logout").bearer(&second.access).send().await;
    let form = format!("token={}", second.access);
    ask(&service, "/oauth/introspect", GATEWAY, form)
        .send()
        .await;
    let wrong = ("canary-client", "canary-secret-of-more-than-32-characters");
    ask(&service, "/oauth/revoke", wrong, "token=canary-token")
        .send()
        .await;
    let records = log.take_audit();
    let events: Vec<_> = records
        .iter()
        .map(|record| record.field("event").unwrap())
        .collect();
    assert_eq!(
        events,
        [
            "authn_token_created",
            "session_renewed",
            "authn_token_revoked",
            "authn_login_fail",
        ]
    );
    let all = format!("{records:?}");
    for secret in [
        "canary",
        &first.access[..40],
        &first.refresh[22..],
        &second.refresh[22..],
        GATEWAY.1,
    ] {
        assert!(!all.contains(secret), "{all}");
    }
}
