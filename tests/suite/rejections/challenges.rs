//! The content of `WWW-Authenticate`, and where credentials are looked for.

use super::*;

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
            Refusal::FactorMissing,
            "Bearer realm=\"things\", error=\"insufficient_user_authentication\", error_description=\"a further factor of authentication is required\", acr_values=\"otp\"",
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
        settings.token_issuer = Some(secure_runtime::testing::token_issuer());
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
