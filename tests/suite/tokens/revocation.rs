//! RFC 7009, sentence by sentence.

use super::*;

async fn revoke(service: &TestService, client: (&str, &str), form: String) -> TestResponse {
    ask(service, "/oauth/revoke", client, form).send().await
}

/// Section 2.1: a refresh token, and with it every access token of the grant.
#[actix_web::test]
async fn r09_a_refresh_token_ends_its_session() {
    let service = service().await;
    let first = log_in(&service, "ann", "web").await;
    let second = Tokens::of(&refreshed(&service, &first.refresh).await);
    let other = log_in(&service, "ann", "web").await;
    let response = revoke(&service, WEB, format!("token={}", second.refresh)).await;
    assert_eq!(response.status(), 200);
    assert!(response.body().is_empty());
    for tokens in [&first, &second] {
        assert!(!is_good(&service, &tokens.access).await);
        assert_eq!(refreshed(&service, &tokens.refresh).await.status(), 400);
    }
    assert!(is_good(&service, &other.access).await);
}

/// Section 2.1: an access token alone leaves the session.
#[actix_web::test]
async fn r09_an_access_token_is_revoked_alone() {
    let service = service().await;
    let tokens = log_in(&service, "ann", "web").await;
    let response = revoke(&service, WEB, format!("token={}", tokens.access)).await;
    assert_eq!(response.status(), 200);
    assert!(!is_good(&service, &tokens.access).await);
    let next = Tokens::of(&refreshed(&service, &tokens.refresh).await);
    assert!(is_good(&service, &next.access).await);
}

/// Section 2.2: the client wanted the token to be of no use, and so it is.
#[actix_web::test]
async fn r09_an_unknown_token_is_200() {
    let service = service().await;
    let ended = log_in(&service, "ann", "web").await;
    let expired = log_in(&service, "ann", "web").await;
    service.advance(MINUTE * 60 * 24 * 15);
    let foreign = service.tokens().token("ann").sign();
    for _ in 0..2 {
        for token in [
            "x",
            "a.b.c",
            &foreign,
            &expired.access,
            &expired.refresh,
            &ended.refresh,
            &"A".repeat(112),
        ] {
            let response = revoke(&service, WEB, format!("token={token}")).await;
            assert_eq!(response.status(), 200);
        }
    }
    // A token of another issuer is not ours to revoke.
    let foreign = service.tokens().token("ann").sign();
    revoke(&service, WEB, format!("token={foreign}")).await;
    let response = service.post("/logout").bearer(&foreign).send().await;
    assert_eq!(response.status(), 204);
}

/// Section 2.1: "If the server is unable to locate the token using the given hint, it MUST extend
/// its search across all of its supported token types."
#[actix_web::test]
async fn r09_a_wrong_hint_is_searched_all_the_same() {
    for hint in ["access_token", "refresh_token", "pass_port", ""] {
        let service = service().await;
        let tokens = log_in(&service, "ann", "web").await;
        let other = log_in(&service, "ann", "web").await;
        let form = |token: &str| format!("token={token}&token_type_hint={hint}");
        assert_eq!(
            revoke(&service, WEB, form(&tokens.refresh)).await.status(),
            200
        );
        assert!(!is_good(&service, &tokens.access).await);
        assert_eq!(
            revoke(&service, WEB, form(&other.access)).await.status(),
            200
        );
        assert!(!is_good(&service, &other.access).await);
    }
}

/// Section 2.2.1
#[actix_web::test]
async fn r09_a_kind_that_is_not_issued_here_is_unsupported() {
    let service = service().await;
    let form = "token=x&token_type_hint=pass_port".to_owned();
    let response = revoke(&service, WEB, form).await;
    assert_error(&response, 400, "unsupported_token_type");
}

/// Section 2.1: "verifies whether the token was issued to the client making the revocation
/// request".
#[actix_web::test]
async fn r09_the_token_of_another_client_is_refused() {
    let service = service().await;
    let tokens = log_in(&service, "ann", "web").await;
    for token in [&tokens.access, &tokens.refresh] {
        let response = revoke(&service, APP, format!("token={token}")).await;
        assert_error(&response, 400, "unauthorized_client");
    }
    assert!(is_good(&service, &tokens.access).await);
    assert_eq!(refreshed(&service, &tokens.refresh).await.status(), 200);
}

/// A spent token was copied, or is an old one of the client's own: either way the session ends.
#[actix_web::test]
async fn r09_a_spent_refresh_token_ends_its_session_too() {
    let service = service().await;
    let first = log_in(&service, "ann", "web").await;
    let second = Tokens::of(&refreshed(&service, &first.refresh).await);
    service.advance(MINUTE);
    let response = revoke(&service, WEB, format!("token={}", first.refresh)).await;
    assert_eq!(response.status(), 200);
    assert!(!is_good(&service, &second.access).await);
}
