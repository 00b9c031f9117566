//! RFC 7662, sentence by sentence.

use super::*;

/// Section 2.2: what an active token says.
#[actix_web::test]
async fn r10_an_access_token_says_what_it_says() {
    let service = service().await;
    service.advance(Duration::from_millis(1_500));
    let tokens = log_in(&service, "ann", "web").await;
    let claims: Value = {
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let payload = tokens.access.split('.').nth(1).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
    };
    let now = service.security().clock().unix_seconds();
    let said = introspect(&service, &tokens.access).await;
    let expected = json!({
        "active": true,
        "aud": "service.test",
        "client_id": "web",
        "exp": now + 600,
        "iat": now,
        "iss": "https://self.test",
        "jti": claims["jti"],
        "scope": "orders:read",
        "sid": claims["sid"],
        "sub": "ann",
        "token_type": "Bearer",
    });
    assert_eq!(said, expected);
}

#[actix_web::test]
async fn r10_a_refresh_token_says_what_its_session_is() {
    let service = service().await;
    let tokens = log_in(&service, "ann", "web").await;
    let now = service.security().clock().unix_seconds();
    let sid = introspect(&service, &tokens.access).await["sid"].clone();
    let said = introspect(&service, &tokens.refresh).await;
    let expected = json!({
        "active": true,
        "client_id": "web",
        "exp": now + 14 * 24 * 3600,
        "iat": now,
        "iss": "https://self.test",
        "scope": "orders:read",
        "sid": sid,
        "sub": "ann",
    });
    assert_eq!(said, expected);
    // To ask is not to use.
    assert_eq!(refreshed(&service, &tokens.refresh).await.status(), 200);
}

/// Section 2.2: "the authorization server SHOULD NOT include any additional information about an
/// inactive token, including why".
#[actix_web::test]
async fn r10_what_is_not_good_is_inactive_and_no_more() {
    let service = service().await;
    let inactive = json!({ "active": false });

    let spent = log_in(&service, "ann", "web").await;
    let next = Tokens::of(&refreshed(&service, &spent.refresh).await);
    assert_eq!(
        introspect(&service, &spent.refresh).await["active"],
        true,
        "in its grace"
    );
    service.advance(Duration::from_secs(10));
    assert_eq!(introspect(&service, &spent.refresh).await, inactive);
    // To ask is not to use: the session goes on.
    assert_eq!(introspect(&service, &next.refresh).await["active"], true);

    let revoked = log_in(&service, "bob", "web").await;
    service.post("/logout").bearer(&revoked.access).send().await;
    let foreign = service.tokens().token("ann").sign();
    let signature = next.access.rsplit('.').next().unwrap();
    let forged = next
        .access
        .replace(signature, &signature.chars().rev().collect::<String>());
    for token in [
        "x",
        "a.b.c",
        &"x".repeat(9000),
        &foreign,
        &forged,
        &revoked.access,
        &revoked.refresh,
    ] {
        assert_eq!(introspect(&service, token).await, inactive);
    }
    // Section 4: to the second, without leeway; a route would still take it.
    service.advance(MINUTE * 10 - Duration::from_secs(11));
    assert_eq!(introspect(&service, &next.access).await["active"], true);
    service.advance(Duration::from_secs(1));
    assert_eq!(introspect(&service, &next.access).await, inactive);
    assert!(is_good(&service, &next.access).await);
    service.advance(MINUTE * 60 * 24 * 14);
    assert_eq!(introspect(&service, &next.refresh).await, inactive);
}

/// Section 2.1: "some form of authorization to access this endpoint".
#[actix_web::test]
async fn r10_a_client_introspects_only_where_it_may() {
    let service = service().await;
    let tokens = log_in(&service, "ann", "web").await;
    let form = format!("token={}", tokens.access);
    // Not even its own.
    let response = ask(&service, "/oauth/introspect", WEB, form).send().await;
    assert_error(&response, 403, "unauthorized_client");
}

#[actix_web::test]
async fn r10_a_hint_changes_nothing() {
    let service = service().await;
    let tokens = log_in(&service, "ann", "web").await;
    for hint in ["access_token", "refresh_token", "pass_port"] {
        for token in [&tokens.access, &tokens.refresh] {
            let form = format!("token={token}&token_type_hint={hint}");
            let response = ask(&service, "/oauth/introspect", GATEWAY, form)
                .send()
                .await;
            assert_eq!(response.json::<Value>()["active"], true);
        }
    }
}
