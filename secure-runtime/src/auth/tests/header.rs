//! The header of a token, and which key it selects.

use super::*;

#[test]
fn j06_only_one_spelling_of_each_part_is_accepted() {
    let rig = rig();
    let token = token(&header(), &payload());
    rig.assert_accepted(&token);
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        panic!("three parts");
    };
    for wrong in [
        format!("{header}=.{payload}.{signature}"),
        format!("{header}.{payload}.{signature}=="),
        format!("{header}.{payload}.{signature}%"),
        format!("{header}.{payload}.{signature} "),
        format!(" {header}.{payload}.{signature},"),
        format!("{header}.{payload}.+{signature}"),
        format!("{header}.{payload}./{signature}"),
    ] {
        rig.assert_refused(&wrong, "token: a byte that is neither base64url nor a dot");
    }
    // 64 bytes leave four bits of the last letter without use: they must be zero.
    assert_eq!(signature.len() % 4, 2);
    let (start, last) = signature.split_at(signature.len() - 1);
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let place = LETTERS.find(last).unwrap();
    assert_eq!(place % 16, 0);
    for same in place + 1..place + 16 {
        rig.assert_refused(
            &format!("{header}.{payload}.{start}{}", &LETTERS[same..=same]),
            "token: a part is not strict base64url",
        );
    }
    rig.assert_refused(
        &format!("{header}.{payload}.{signature}A"),
        "token: the signature is not valid",
    );
    rig.assert_refused(
        &format!("{header}.{payload}.{signature}AAA"),
        "token: a part is not strict base64url",
    );
}

#[test]
fn j07_json_is_strict_in_the_header() {
    let payload = payload().to_string();
    for header in [
        r#"{"alg":"ES256","typ":"at+jwt","kid":"k1","alg":"ES256"}"#,
        r#"{"alg":"ES256","typ":"at+jwt","kid":"k1","al\u0067":"none"}"#,
        r#"{"alg":"ES256","typ":"at+jwt","kid":"k1","x":{"y":1,"y":1}}"#,
        r#"{"alg":"ES256","typ":"at+jwt","kid":"k1"}{}"#,
        r#"{"alg":"ES256","typ":"at+jwt","kid":"k1",}"#,
        "[]",
        "\"ES256\"",
    ] {
        rig().assert_refused(
            &token_of(header, &payload),
            "token: the header is not a JSON object with each name once",
        );
    }
    rig().assert_accepted(&token_of(
        r#"{"al\u0067":"ES256","typ":"at+jwt","kid":"k1"}"#,
        &payload,
    ));
}

#[test]
fn j07_a_header_that_is_not_utf8_is_refused() {
    let header = URL_SAFE_NO_PAD.encode(b"{\"alg\":\"ES256\",\"kid\":\"\xff\"}");
    let token = token(&super::header(), &payload());
    let (_, rest) = token.split_once('.').unwrap();
    rig().assert_refused(&format!("{header}.{rest}"), "token: a part is not UTF-8");
}

#[test]
fn j08_any_crit_is_refused() {
    for crit in [
        json!([]),
        json!(["exp"]),
        json!(["b64"]),
        json!("exp"),
        json!({}),
        json!(false),
    ] {
        rig().assert_refused(
            &token_with_header("crit", crit),
            "token: the header has `crit`",
        );
    }
    let with_null = r#"{"alg":"ES256","typ":"at+jwt","kid":"k1","crit":null}"#;
    rig().assert_refused(
        &token_of(with_null, &payload().to_string()),
        "token: the header has `crit`",
    );
    rig().assert_refused(
        &token_with_header("b64", json!(false)),
        "token: the header has `b64`",
    );
}

#[test]
fn j09_keys_in_the_header_are_never_used() {
    // Signed with a key of the attacker's, who sends it along in every way there is.
    let attacker = EncodingKey::from_ec_pem(key_file!("es384.key").as_bytes()).unwrap();
    for (name, value) in [
        (
            "jwk",
            json!({"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"}),
        ),
        ("jku", json!("https://attacker.example/jwks")),
        ("x5u", json!("https://attacker.example/cert")),
        ("x5c", json!(["MIIB"])),
    ] {
        let header = set(header(), name, value);
        let own = signed_with(
            &header.to_string(),
            &payload().to_string(),
            &attacker,
            Algorithm::ES384,
        );
        let refused = format!("token: the header has `{name}`");
        rig().assert_refused(&own, &refused);
        rig().assert_refused(&token(&header, &payload()), &refused);
    }
}

#[test]
fn j09_kid_is_only_compared() {
    for kid in [
        json!("k2"),
        json!("K1"),
        json!("k1 "),
        json!("../../dev/null"),
        json!("k1' or '1'='1"),
    ] {
        rig().assert_refused(
            &token_with_header("kid", kid),
            "token: `kid` is not a key of the issuer",
        );
    }
    for kid in [
        json!(1),
        json!(["k1"]),
        json!({"k1": 1}),
        json!(""),
        json!("k1\u{0}"),
        json!("k1\n"),
        json!("k".repeat(513)),
    ] {
        rig().assert_refused(
            &token_with_header("kid", kid),
            "token: `kid` is not a usable text",
        );
    }
}

#[test]
fn j10_typ_is_that_of_an_access_token() {
    for typ in [
        "at+jwt",
        "AT+JWT",
        "application/at+jwt",
        "Application/At+Jwt",
    ] {
        rig().assert_accepted(&token_with_header("typ", json!(typ)));
    }
    for typ in [
        "JWT",
        "application/jwt",
        "",
        "at+jwt ",
        "application/application/at+jwt",
        "text/at+jwt",
        "bpplication/at+jwt",
        "application/",
        "/at+jwt",
        "applicationåat+jwt",
    ] {
        rig().assert_refused(
            &token_with_header("typ", json!(typ)),
            "token: `typ` is not that of an access token",
        );
    }
    rig().assert_refused(
        &token_with_header("typ", Value::Null),
        "token: `typ` is missing",
    );
    rig().assert_refused(
        &token_with_header("typ", json!(["at+jwt"])),
        "token: `typ` is not a text",
    );
}

#[test]
fn j10_the_interop_switch_is_explicit_and_shown() {
    let strict = issuer();
    let generic = issuer().accept_generic_typ();
    assert!(!strict.to_string().contains("GENERIC"));
    assert!(generic.to_string().contains("ACCEPTS GENERIC TYP"));
    let rig = Rig::new(vec![generic]);
    for typ in [
        Value::Null,
        json!("JWT"),
        json!("jwt"),
        json!("application/jwt"),
        json!("at+jwt"),
    ] {
        rig.assert_accepted(&token_with_header("typ", typ));
    }
    rig.assert_refused(
        &token_with_header("typ", json!("dpop+jwt")),
        "token: `typ` is not that of an access token",
    );
    assert_eq!(
        rig.assert_accepted(&token_with("client_id", Value::Null))
            .client_id(),
        None
    );
}

#[test]
fn j11_the_issuer_is_matched_exactly_and_its_own_key_verifies() {
    for iss in [
        "https://login.example.com/",
        "https://LOGIN.example.com",
        "http://login.example.com",
        "https://login.example.com\u{200b}",
    ] {
        rig().assert_refused(
            &token_with("iss", json!(iss)),
            "token: `iss` is not a configured issuer",
        );
    }
    for iss in [Value::Null, json!([ISSUER]), json!(7), json!("")] {
        rig().assert_refused(
            &token_with("iss", iss),
            "token: `iss` is missing or not a usable text",
        );
    }
}

#[test]
fn j11_two_issuers_with_one_kid_stay_apart() {
    let other = "https://other.example.com";
    let rig = Rig::new(vec![
        issuer(),
        Issuer::new(other, AUDIENCE).key(
            VerifyingKey::ecdsa(EcdsaAlgorithm::Es384, key_file!("es384.pub"))
                .unwrap()
                .with_id("k1"),
        ),
    ]);
    rig.assert_accepted(&token(&header(), &payload()));
    // The first issuer signs a token in the name of the second.
    rig.assert_refused(
        &token_with("iss", json!(other)),
        "token: `alg` is not the algorithm of the key",
    );
    let es384 = EncodingKey::from_ec_pem(key_file!("es384.key").as_bytes()).unwrap();
    let forged = |iss: &str| {
        signed_with(
            &set(header(), "alg", json!("ES384")).to_string(),
            &set(payload(), "iss", json!(iss)).to_string(),
            &es384,
            Algorithm::ES384,
        )
    };
    rig.assert_accepted(&forged(other));
    rig.assert_refused(
        &forged(ISSUER),
        "token: `alg` is not the algorithm of the key",
    );
}

#[test]
fn several_keys_are_told_apart_by_kid() {
    let rig = Rig::new(vec![
        issuer().key(
            VerifyingKey::ecdsa(EcdsaAlgorithm::Es384, key_file!("es384.pub"))
                .unwrap()
                .with_id("k2"),
        ),
    ]);
    rig.assert_accepted(&token(&header(), &payload()));
    rig.assert_refused(
        &token_with_header("kid", Value::Null),
        "token: `kid` is missing and the issuer has several keys",
    );
    rig.assert_refused(
        &token_with_header("kid", json!("k2")),
        "token: `alg` is not the algorithm of the key",
    );
    rig.assert_refused(
        &token_with_header("kid", json!("k3")),
        "token: `kid` is not a key of the issuer",
    );
}

#[test]
fn an_only_key_serves_tokens_without_kid() {
    rig().assert_accepted(&token_with_header("kid", Value::Null));
    let unnamed = Rig::new(vec![Issuer::new(ISSUER, AUDIENCE).key(es256_key())]);
    unnamed.assert_accepted(&token_with_header("kid", json!("anything")));
}

#[test]
fn alg_must_be_a_text() {
    for alg in [Value::Null, json!(["ES256"]), json!({}), json!(256)] {
        rig().assert_refused(
            &token_with_header("alg", alg),
            "token: `alg` is missing or not a text",
        );
    }
}
