//! When a token is valid.

use super::*;

#[test]
fn j13_a_token_is_valid_until_exp_and_leeway() {
    for (exp, leeway, valid_until) in [(600, 60, 660), (600, 0, 600), (1, 300, 301)] {
        for cache_bytes in [0, 1 << 20] {
            let rig = Rig::with(
                vec![issuer()],
                AuthenticatorOptions {
                    leeway: Duration::from_secs(leeway),
                    cache_bytes,
                    ..Default::default()
                },
            );
            let token = token_with("exp", json!(NOW + exp));
            rig.assert_accepted(&token);
            rig.advance(valid_until - 1);
            rig.assert_accepted(&token);
            rig.advance(1);
            rig.assert_refused(&token, "token: expired");
        }
    }
}

#[test]
fn j13_nbf_and_iat_may_be_ahead_by_the_leeway() {
    for (claim, reason) in [
        ("nbf", "token: `nbf` is in the future"),
        ("iat", "token: `iat` is in the future"),
    ] {
        rig().assert_accepted(&token_with(claim, json!(NOW + 60)));
        rig().assert_refused(&token_with(claim, json!(NOW + 61)), reason);
        rig().assert_refused(&token_with(claim, json!(NOW as f64 + 60.5)), reason);
        let later = rig();
        later.advance(1);
        later.assert_accepted(&token_with(claim, json!(NOW + 61)));
    }
}

#[test]
fn j13_times_are_numbers_in_range() {
    let header = header().to_string();
    for claim in ["exp", "iat", "nbf", "auth_time"] {
        for value in [
            "\"1767226200\"",
            "-1",
            "-0.5",
            "1e300",
            "-1e300",
            "18446744073709551615",
            "18446744073709551616",
            "9223372036854775807",
            "253402300800",
            "true",
            "[1767226200]",
            "{}",
            "null",
        ] {
            let payload = set(payload(), claim, json!("PLACE"))
                .to_string()
                .replace("\"PLACE\"", value);
            rig().assert_refused(
                &token_of(&header, &payload),
                &format!("token: `{claim}` is not a time"),
            );
        }
    }
}

#[test]
fn j13_times_may_have_a_fraction_or_an_exponent() {
    let header = header().to_string();
    for value in [
        "1767226200.5",
        "1.7672262e9",
        "1767226200.0",
        "253402300799",
    ] {
        let payload = payload().to_string().replace("1767226200", value);
        let rig = Rig::with(
            vec![issuer()],
            AuthenticatorOptions {
                max_lifetime: Duration::MAX,
                ..Default::default()
            },
        );
        rig.assert_accepted(&token_of(&header, &payload));
    }
    let fractional = token_with("exp", json!(NOW as f64 + 0.5));
    let rig = Rig::with(
        vec![issuer()],
        AuthenticatorOptions {
            leeway: Duration::ZERO,
            ..Default::default()
        },
    );
    assert_eq!(rig.assert_accepted(&fractional).expires_at(), NOW);
    rig.advance(1);
    rig.assert_refused(&fractional, "token: expired");
}

#[test]
fn j13_leeway_is_at_most_five_minutes() {
    let with = |leeway| {
        Authenticator::new(
            vec![issuer()],
            Clock::manual().0,
            AuthenticatorOptions {
                leeway,
                ..Default::default()
            },
        )
    };
    assert!(with(Duration::from_secs(300)).is_ok());
    assert_eq!(
        with(Duration::from_secs(301)).unwrap_err(),
        AuthError::Leeway { seconds: 301 }
    );
    assert!(with(Duration::MAX).is_err());
}

#[test]
fn age_of_authentication() {
    let rig = rig();
    let hour = Duration::from_secs(3600);
    let check = |auth_time: Value| {
        let caller = rig.assert_accepted(&token_with("auth_time", auth_time));
        rig.authenticator
            .check_age(&caller, hour)
            .map_err(|refused| (refused.refusal(), refused.reason().to_owned()))
    };
    assert_eq!(check(json!(NOW)), Ok(()));
    assert_eq!(check(json!(NOW - 3600)), Ok(()));
    assert_eq!(check(json!(NOW + 60)), Ok(()));
    for (auth_time, refusal, reason) in [
        (
            Value::Null,
            Refusal::AuthenticationTooOld,
            "token: `auth_time` is missing",
        ),
        (
            json!(NOW - 3601),
            Refusal::AuthenticationTooOld,
            "token: `auth_time` is too long ago",
        ),
        (
            json!(0),
            Refusal::AuthenticationTooOld,
            "token: `auth_time` is too long ago",
        ),
        (
            json!(NOW + 61),
            Refusal::CredentialsInvalid,
            "token: `auth_time` is in the future",
        ),
    ] {
        assert_eq!(check(auth_time), Err((refusal, reason.to_owned())));
    }
    let caller = rig.assert_accepted(&token(&header(), &payload()));
    let refused = rig.authenticator.check_age(&caller, hour).unwrap_err();
    let challenge = refused.respond(crate::rejection::ProtectionSpace {
        realm: "orders",
        resource_metadata: None,
        challenges: None,
    });
    let challenge = challenge.headers().get("www-authenticate").unwrap();
    assert!(challenge.to_str().unwrap().contains("max_age=\"3600\""));
}

#[test]
fn j13_a_token_lives_no_longer_than_a_day() {
    let lives = |seconds: f64| {
        let payload = set(payload(), "iat", json!(NOW));
        token(&header(), &set(payload, "exp", json!(NOW as f64 + seconds)))
    };
    let day = 24.0 * 3600.0;
    rig().assert_accepted(&lives(day));
    for longer in [day + 0.001, day + 1.0, 10.0 * day] {
        rig().assert_refused(
            &lives(longer),
            "token: lives longer than `tokens.max_lifetime`",
        );
    }
}
