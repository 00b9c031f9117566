//! What access tokens say, and for how long they are good.

use std::collections::HashSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use super::*;

/// J14, RFC 9068 section 2.2: every claim, with the value that it has to have.
#[actix_web::test]
async fn j14_every_claim_is_there() {
    let rig = rig();
    rig.hand.advance(Duration::from_millis(1_250));
    let now = rig.clock.unix_millis();
    let login = std::time::UNIX_EPOCH + Duration::from_millis(now) - 5 * MINUTE;
    let subject = ann()
        .role("customer")
        .role("support")
        .scope("orders:read")
        .scope("orders:write")
        .authenticated_by("pwd")
        .authenticated_by("otp")
        .authenticated_at(login);
    let tokens = rig.issuer.open_session(subject).await.unwrap();
    let [header, claims] = parts(&tokens);
    assert_eq!(
        header,
        json!({ "alg": "EdDSA", "kid": "test", "typ": "at+jwt" })
    );
    let names: HashSet<_> = claims.as_object().unwrap().keys().cloned().collect();
    let expected = [
        "iss",
        "aud",
        "sub",
        "client_id",
        "exp",
        "iat",
        "jti",
        "auth_time",
        "sid",
        "amr",
        "roles",
        "scope",
    ];
    assert_eq!(names, expected.map(str::to_owned).into());
    let seconds = now / 1000;
    for (name, value) in [
        ("iss", json!("https://self.test")),
        ("aud", json!("service.test")),
        ("sub", json!("ann")),
        ("client_id", json!("web")),
        ("iat", json!(1_767_225_601.25)),
        ("exp", json!(seconds + 600)),
        ("auth_time", json!(seconds - 300)),
        ("sid", json!(tokens.session_id())),
        ("amr", json!(["pwd", "otp"])),
        ("roles", json!(["customer", "support"])),
        ("scope", json!("orders:read orders:write")),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    let caller = rig.caller(&tokens).await.unwrap();
    assert_eq!(caller.subject(), "ann");
    assert_eq!(caller.client_id(), Some("web"));
    assert!(caller.has_role("support") && caller.has_scope("orders:write"));
    assert_eq!(caller.session_id(), Some(tokens.session_id()));
    assert_eq!(caller.authenticated_at(), Some(seconds - 300));
}

/// Nobody reads a list of nothing: what the subject does not have is left out.
#[actix_web::test]
async fn what_a_subject_does_not_have_is_left_out() {
    let [_, claims] = parts(&rig().open().await);
    for name in ["amr", "roles", "scope"] {
        assert!(claims.get(name).is_none(), "{name}");
    }
}

/// ASVS 11.5.1: ids have 128 bits, and no two are alike.
#[actix_web::test]
async fn ids_are_128_random_bits_each() {
    let rig = rig_with(|settings| {
        settings.max_sessions_per_subject = NonZeroUsize::new(1000).unwrap();
    });
    let mut seen = HashSet::new();
    for _ in 0..200 {
        let tokens = rig.open().await;
        let [_, claims] = parts(&tokens);
        for name in ["jti", "sid"] {
            let id = claims[name].as_str().unwrap();
            assert_eq!(URL_SAFE_NO_PAD.decode(id).unwrap().len(), 16);
            assert!(seen.insert(id.to_owned()), "{name} twice");
        }
        let refreshed = rig.issuer.refresh(tokens.refresh_token()).await.unwrap();
        let [_, again] = parts(&refreshed);
        assert_eq!(claims["sid"], again["sid"]);
        assert!(seen.insert(again["jti"].as_str().unwrap().to_owned()));
    }
}

#[actix_web::test]
async fn an_access_token_lives_as_long_as_it_says() {
    for minutes in [5, 10, 15] {
        let lifetime = MINUTE * minutes;
        let rig = rig_with(|settings| settings.access_lifetime = lifetime);
        let tokens = rig.open().await;
        assert_eq!(tokens.expires_in(), lifetime.as_secs());
        let leeway = MINUTE;
        rig.hand
            .advance(lifetime + leeway - Duration::from_millis(1));
        assert!(rig.is_good(&tokens).await);
        rig.hand.advance(Duration::from_millis(1));
        assert_eq!(
            rig.caller(&tokens).await.unwrap_err(),
            Refusal::CredentialsInvalid
        );
    }
}

/// ASVS 7.3.2: nothing outlives the session.
#[actix_web::test]
async fn no_access_token_outlives_its_session() {
    let rig = rig_with(|settings| {
        settings.absolute_lifetime = MINUTE * 30;
        settings.idle_lifetime = MINUTE * 30;
    });
    let tokens = rig.open().await;
    rig.hand.advance(MINUTE * 25);
    let tokens = rig.issuer.refresh(tokens.refresh_token()).await.unwrap();
    assert_eq!(tokens.expires_in(), 5 * 60);
}

/// R1, R2: of one second, and of one millisecond, what was issued before a cut-off is refused and
/// what is issued after it is good. A thousand fractions, because not every one has a double.
#[actix_web::test]
async fn r01_a_cut_off_parts_the_tokens_of_one_millisecond() {
    let rig = rig_with(|settings| {
        settings.max_sessions_per_subject = NonZeroUsize::new(1000).unwrap();
    });
    let mut last = rig.open().await;
    for millisecond in 0..1000 {
        rig.issuer.end_sessions("ann").await.unwrap();
        assert!(!rig.is_good(&last).await, "{millisecond}");
        let before = rig.open().await;
        assert!(rig.is_good(&before).await, "{millisecond}");
        rig.issuer.end_sessions("ann").await.unwrap();
        assert!(!rig.is_good(&before).await, "{millisecond}");
        last = rig.open().await;
        assert!(rig.is_good(&last).await, "{millisecond}");
        // Refreshed within the same millisecond it is still after the cut-off.
        let refreshed = rig.issuer.refresh(last.refresh_token()).await.unwrap();
        assert!(rig.is_good(&refreshed).await, "{millisecond}");
        last = refreshed;
        rig.hand.advance(Duration::from_millis(1));
    }
}

/// The next millisecond is enough: what is read is what was written.
#[actix_web::test]
async fn iat_is_read_to_the_millisecond_that_was_written() {
    let rig = rig();
    for _ in 0..1000 {
        rig.hand.advance(Duration::from_millis(1));
        let tokens = rig.open().await;
        let caller = rig.caller(&tokens).await.unwrap();
        assert_eq!(caller.issued_at_millis(), rig.clock.unix_millis());
    }
}

/// Without leeway a token is good in the millisecond in which it was issued.
#[actix_web::test]
async fn a_token_is_good_at_once_without_leeway() {
    let mut settings = Settings {
        token_issuer: Some(testing::token_issuer()),
        ..Settings::default()
    };
    settings.tokens.leeway = Duration::ZERO;
    let (clock, hand) = Clock::manual();
    let builder = Security::builder().clock(clock).settings(settings);
    let security = builder.build().unwrap();
    hand.advance(Duration::from_millis(999));
    let issuer = security.token_issuer().unwrap();
    let tokens = issuer.open_session(ann()).await.unwrap();
    let authenticator = security.authenticator().unwrap();
    let token = tokens.access_token().as_bytes();
    assert!(authenticator.authenticate_token(token).is_ok());
}

#[actix_web::test]
async fn a_subject_that_no_verifier_would_take_is_refused() {
    let rig = rig();
    let long = "x".repeat(513);
    let many = (0..300).fold(ann(), |subject, n| subject.role(format!("role-{n}")));
    let large = (0..60).fold(ann(), |subject, n| {
        subject.role(format!("{n}{}", "r".repeat(200)))
    });
    for (what, subject) in [
        ("no name", Subject::new("", "web")),
        ("a long name", Subject::new(&long, "web")),
        ("a line in the name", Subject::new("a\nb", "web")),
        ("no client", Subject::new("ann", "")),
        ("an empty role", ann().role("")),
        ("two scopes in one", ann().scope("orders:read admin")),
        ("a scope with a quote", ann().scope("a\"b")),
        ("a scope that is not ASCII", ann().scope("é")),
        ("an empty method", ann().authenticated_by("")),
        ("too many roles", many),
        ("a token above 8 KiB", large),
    ] {
        let outcome = rig.issuer.open_session(subject).await;
        assert_eq!(kind(outcome), "subject", "{what}");
    }
    assert_eq!(rig.issuer.session_count().await.unwrap(), 0);
}

#[actix_web::test]
async fn no_token_is_shown() {
    let rig = rig();
    let tokens = rig.open().await;
    let subject = ann().role("customer");
    let shown = format!(
        "{tokens:?} {:?} {subject:?} {:?} {:?}",
        tokens.refresh_token(),
        rig.issuer,
        rig.issuer.0.sessions
    );
    let signature = tokens.access_token().rsplit('.').next().unwrap();
    for secret in [signature, &tokens.refresh_token().expose()[22..], "ann"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
