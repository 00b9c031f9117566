//! Several issuers, where their claims are, and keys that are replaced.

use super::*;

#[actix_web::test]
async fn j04_an_issuer_with_a_public_key_takes_no_hmac_made_of_it() {
    // The classic confusion: a token signed with the text of the public key as the secret.
    let secret = SecretSlice::from(PUBLIC_PEM.as_bytes().to_vec());
    let key = VerifyingKey::hmac(HmacAlgorithm::Hs256, &secret);
    assert!(key.is_err(), "a PEM is no secret");
}

fn second_issuer() -> Issuer {
    Issuer::new("https://second.test", "other.test").key(VerifyingKey::eddsa(PUBLIC_PEM).unwrap())
}

/// Tokens of the second issuer, on the clock of the service.
fn second_tokens(service: &TestService) -> Tokens {
    Tokens::with_key(
        "https://second.test",
        "other.test",
        PRIVATE_PEM,
        PUBLIC_PEM,
        service.security().clock(),
    )
}

#[actix_web::test]
async fn j11_each_issuer_has_its_own_keys_and_audience() {
    let service = TestService::with(routes, |security| security.issuer(second_issuer())).await;
    let (first, second) = (service.tokens(), second_tokens(&service));
    let send = async |token: Token| service.get("/me").bearer(token.sign()).send().await;

    assert_eq!(
        send(first.token("ann")).await.text(),
        "ann of https://issuer.test"
    );
    assert_eq!(
        send(second.token("ann")).await.text(),
        "ann of https://second.test"
    );
    for crossed in [
        // The key of one with the name of the other.
        first
            .token("ann")
            .claim("iss", "https://second.test")
            .claim("aud", "other.test"),
        second
            .token("ann")
            .claim("iss", "https://issuer.test")
            .claim("aud", "service.test"),
        // The right key and the audience of the other.
        second.token("ann").claim("aud", "service.test"),
        second.token("ann").claim("iss", "https://third.test"),
    ] {
        send(crossed)
            .await
            .assert_refused(Refusal::CredentialsInvalid);
    }
}

#[actix_web::test]
async fn j15_the_same_subject_of_two_issuers_is_two_callers() {
    #[secured(rate = "1/hour")]
    #[get("/once")]
    async fn once() -> impl Responder {
        "once"
    }
    let service = TestService::with(
        |routes| {
            routes.service(once);
        },
        |security| security.issuer(second_issuer()),
    )
    .await;
    let second = second_tokens(&service);
    for token in [service.tokens().token("ann"), second.token("ann")] {
        let send = || service.get("/once").bearer(token.sign()).send();
        assert_eq!(send().await.status(), 200);
        send().await.assert_refused(Refusal::QuotaExceeded);
    }
}

#[actix_web::test]
async fn j16_roles_and_scopes_come_from_where_the_issuer_puts_them() {
    let configured: [(Issuer, Value); 6] = [
        (
            second_issuer(),
            json!({ "roles": ["admin"], "scope": "openid orders:read" }),
        ),
        (
            second_issuer(),
            json!({ "roles": "admin", "scp": ["orders:read"] }),
        ),
        (
            second_issuer().roles_from("realm_access.roles"),
            json!({ "realm_access": { "roles": ["x", "admin"] }, "scope": ["orders:read"] }),
        ),
        (
            second_issuer().scopes_from("permissions"),
            json!({ "roles": ["admin"], "permissions": ["orders:read"] }),
        ),
        (
            second_issuer().roles_from("https://second.test/roles"),
            json!({ "https://second.test/roles": ["admin"], "scope": "orders:read" }),
        ),
        (
            second_issuer()
                .roles_from("roles")
                .roles_from(["resource_access", "my.api", "roles"]),
            json!({
                "resource_access": { "my.api": { "roles": ["admin"] } },
                "scope": "orders:read",
            }),
        ),
    ];
    for (issuer, claims) in configured {
        let service = TestService::with(routes, |security| security.issuer(issuer)).await;
        let mut token = second_tokens(&service).token("ann");
        for (name, value) in claims.as_object().unwrap() {
            token = token.claim(name, value.clone());
        }
        let response = service.get("/admin").bearer(token.sign()).send().await;
        assert_eq!(response.text(), "admin", "{claims}");

        // The same claims where nobody looks for them are worth nothing.
        let mut elsewhere = second_tokens(&service).token("ann");
        elsewhere = elsewhere.claim("x", claims.clone());
        let response = service.get("/admin").bearer(elsewhere.sign()).send().await;
        response.assert_refused(Refusal::RoleMissing);
    }
}

#[actix_web::test]
async fn keys_are_replaced_at_run_time_and_what_they_verified_is_forgotten() {
    let service = service().await;
    let (old, new) = (
        service.tokens().token("ann").sign(),
        second_tokens(&service),
    );
    let send = |token: String| service.get("/me").bearer(token).send();
    assert_eq!(send(old.clone()).await.status(), 200);
    send(new.token("ann").sign())
        .await
        .assert_refused(Refusal::CredentialsInvalid);

    let authenticator = service.security().authenticator().unwrap();
    // What is refused changes nothing.
    assert!(authenticator.replace_issuers(Vec::new()).is_err());
    assert_eq!(send(old.clone()).await.status(), 200);

    authenticator
        .replace_issuers(vec![second_issuer()])
        .unwrap();
    send(old).await.assert_refused(Refusal::CredentialsInvalid);
    assert_eq!(send(new.token("ann").sign()).await.status(), 200);
}
