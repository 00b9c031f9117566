//! Tokens of the same issuer that are no access tokens for a bearer.

use super::*;

const WRONG_TYP: &str = "token: `typ` is not that of an access token";

#[test]
fn j17_other_types_are_refused() {
    let rigs = [rig(), Rig::new(vec![issuer().accept_generic_typ()])];
    for rig in rigs {
        for typ in [
            "id_token+jwt",
            "logout+jwt",
            "dpop+jwt",
            "secevent+jwt",
            "rt+jwt",
            "statuslist+jwt",
            "token-introspection+jwt",
            "JWE",
        ] {
            rig.assert_refused(&token_with_header("typ", json!(typ)), WRONG_TYP);
        }
    }
}

#[test]
fn j17_id_token_is_refused() {
    let id_token = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "jti": "1", "client_id": "shop",
        "iat": NOW, "exp": NOW + 600, "nonce": "n",
    });
    let jwt = set(header(), "typ", json!("JWT"));
    rig().assert_refused(&token(&jwt, &id_token), WRONG_TYP);
    let generic = Rig::new(vec![issuer().accept_generic_typ()]);
    generic.assert_refused(&token(&jwt, &id_token), "token: `nonce` marks an ID token");
    for (claim, value, reason) in [
        ("at_hash", json!("h"), "token: `at_hash` marks an ID token"),
        ("c_hash", json!("h"), "token: `c_hash` marks an ID token"),
        ("typ", json!("ID"), "token: the claim `typ` is not `Bearer`"),
        (
            "typ",
            json!("Refresh"),
            "token: the claim `typ` is not `Bearer`",
        ),
        (
            "typ",
            json!(["Bearer"]),
            "token: the claim `typ` is not `Bearer`",
        ),
        (
            "token_use",
            json!("id"),
            "token: `token_use` is not `access`",
        ),
    ] {
        generic.assert_refused(&token(&jwt, &set(payload(), claim, value)), reason);
    }
    let keycloak = set(payload(), "typ", json!("Bearer"));
    generic.assert_accepted(&token(&jwt, &keycloak));
    let cognito = set(payload(), "token_use", json!("access"));
    generic.assert_accepted(&token(&jwt, &cognito));
}

#[test]
fn j17_logout_token_and_security_event_are_refused() {
    let events = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
    for issuer in [issuer(), issuer().accept_generic_typ()] {
        Rig::new(vec![issuer]).assert_refused(
            &token_with("events", events.clone()),
            "token: `events` marks a logout or event token",
        );
    }
}

#[test]
fn j17_dpop_proof_is_refused() {
    let proof = set(payload(), "htm", json!("GET"));
    rig().assert_refused(&token(&header(), &proof), "token: `htm` marks a DPoP proof");
    rig().assert_refused(
        &token_with("htu", json!("https://orders.example.com/")),
        "token: `htu` marks a DPoP proof",
    );
    let header = set(header(), "jwk", json!({"kty": "EC"}));
    rig().assert_refused(&token(&header, &proof), "token: the header has `jwk`");
}

#[test]
fn j19_an_encrypted_token_is_refused() {
    rig().assert_refused(
        "eyJhbGciOiJkaXIifQ.AA.AA.AA.AA",
        "token: not three parts with something in each",
    );
    for (name, value) in [("enc", "A128GCM"), ("zip", "DEF")] {
        rig().assert_refused(
            &token_with_header(name, json!(value)),
            &format!("token: the header has `{name}`"),
        );
    }
}

#[test]
fn d02_a_token_bound_to_a_key_is_refused_from_a_bearer() {
    let reason = "token: `cnf` binds it to a key that a bearer does not show";
    for cnf in [
        json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}),
        json!({"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}),
        json!({"jwk": {}}),
        json!({}),
        json!(7),
    ] {
        for issuer in [issuer(), issuer().accept_generic_typ()] {
            Rig::new(vec![issuer]).assert_refused(&token_with("cnf", cnf.clone()), reason);
        }
    }
    let open = payload().to_string();
    let payload = format!(r#"{},"cnf":null}}"#, open.strip_suffix('}').unwrap());
    rig().assert_refused(&token_of(&header().to_string(), &payload), reason);
}
