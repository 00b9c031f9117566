//! The claims of a token.

use super::*;

#[test]
fn j07_json_is_strict_in_the_payload() {
    let header = header().to_string();
    let good = payload().to_string();
    let open = good.strip_suffix('}').unwrap();
    for payload in [
        format!(r#"{open},"sub":"admin"}}"#),
        format!(r#"{open},"s\u0075b":"admin"}}"#),
        format!(r#"{open},"x":[{{"a":1,"a":2}}]}}"#),
        format!(r#"{open},"x":{}1{}}}"#, "[".repeat(100), "]".repeat(100)),
        format!(r#"{open},"x":1e999}}"#),
        format!(r#"{open},"x":"\ud800"}}"#),
        format!("{good}{good}"),
        format!("{good},"),
        "[]".to_owned(),
    ] {
        rig().assert_refused(
            &token_of(&header, &payload),
            "token: the payload is not a JSON object with each name once",
        );
    }
    rig().assert_accepted(&token_of(&header, &format!(" {good}\n")));
}

#[test]
fn j12_the_audience_names_this_service() {
    for aud in [
        json!(AUDIENCE),
        json!([AUDIENCE]),
        json!(["https://other.example.com", AUDIENCE]),
    ] {
        rig().assert_accepted(&token_with("aud", aud));
    }
    for aud in [
        json!("https://other.example.com"),
        json!(["https://other.example.com"]),
        json!([]),
        json!(""),
        json!(format!("{AUDIENCE}/")),
        json!(format!("{AUDIENCE} https://other.example.com")),
        json!(AUDIENCE.to_uppercase()),
    ] {
        rig().assert_refused(
            &token_with("aud", aud),
            "token: `aud` does not name this service",
        );
    }
    for aud in [
        json!(7),
        json!({}),
        json!({AUDIENCE: 1}),
        json!([AUDIENCE, 7]),
        json!([[AUDIENCE]]),
        json!(true),
    ] {
        rig().assert_refused(
            &token_with("aud", aud),
            "token: `aud` is not a text or a list of texts",
        );
    }
    rig().assert_refused(&token_with("aud", Value::Null), "token: `aud` is missing");
}

#[test]
fn j12_a_token_for_the_audience_of_another_issuer_is_refused() {
    let other = Issuer::new("https://other.example.com", "https://internal.example.com")
        .key(VerifyingKey::eddsa(key_file!("ed.pub")).unwrap());
    Rig::new(vec![issuer(), other]).assert_refused(
        &token_with("aud", json!("https://internal.example.com")),
        "token: `aud` does not name this service",
    );
}

#[test]
fn j14_every_required_claim_is_required() {
    for (claim, reason) in [
        ("iss", "token: `iss` is missing or not a usable text"),
        ("aud", "token: `aud` is missing"),
        ("sub", "token: `sub` is missing or not a usable text"),
        ("exp", "token: `exp` is missing"),
        ("iat", "token: `iat` is missing"),
        ("jti", "token: the token id is missing or not a usable text"),
        ("client_id", "token: the client id is missing"),
    ] {
        rig().assert_refused(&token_with(claim, Value::Null), reason);
    }
}

#[test]
fn j14_identifiers_are_bounded_texts() {
    for (claim, reason) in [
        ("sub", "token: `sub` is missing or not a usable text"),
        ("jti", "token: the token id is missing or not a usable text"),
        ("client_id", "token: the client id is not a usable text"),
        ("sid", "token: `sid` is not a usable text"),
    ] {
        for value in [
            json!(""),
            json!(7),
            json!(["x"]),
            json!({}),
            json!(true),
            json!("a\nb"),
            json!("a\u{0}"),
            json!("\u{85}"),
            json!("x".repeat(513)),
        ] {
            rig().assert_refused(&token_with(claim, value), reason);
        }
        rig().assert_accepted(&token_with(claim, json!("x".repeat(512))));
        rig().assert_accepted(&token_with(claim, json!("né: 'quoted' \"text\"")));
    }
}

#[test]
fn j14_names_of_client_and_token_can_be_elsewhere() {
    let rig = Rig::new(vec![
        issuer()
            .client_id_from("azp")
            .token_id_from("uti")
            .accept_generic_typ(),
    ]);
    let entra = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "azp": "shop", "uti": "u1",
        "iat": NOW, "nbf": NOW, "exp": NOW + 600, "scp": "orders:read", "roles": ["admin"],
    });
    let caller = rig.assert_accepted(&token(&set(header(), "typ", json!("JWT")), &entra));
    assert_eq!(caller.client_id(), Some("shop"));
    assert_eq!(caller.token_id(), "u1");
    assert!(caller.has_scope("orders:read"));
    rig.assert_refused(
        &token(&header(), &set(entra, "uti", Value::Null)),
        "token: the token id is missing or not a usable text",
    );
}

#[test]
fn j16_roles_come_from_where_the_issuer_puts_them() {
    let rig = Rig::new(vec![
        issuer()
            .roles_from("realm_access.roles")
            .roles_from("permissions")
            .roles_from("https://example.com/roles")
            .roles_from(["resource_access", "orders.api", "roles"]),
    ]);
    let claims = json!({
        "realm_access": {"roles": ["a", "b"]},
        "permissions": ["b", "c"],
        "https://example.com/roles": "d",
        "resource_access": {"orders.api": {"roles": ["e"]}, "other": {"roles": ["x"]}},
        "roles": ["not-looked-at"],
    });
    let mut all = payload();
    for (name, value) in claims.as_object().unwrap() {
        all = set(all, name, value.clone());
    }
    let caller = rig.assert_accepted(&token(&header(), &all));
    assert_eq!(
        caller.roles().collect::<Vec<_>>(),
        ["a", "b", "c", "d", "e"]
    );
    // Paths that lead nowhere give no roles.
    let caller = rig.assert_accepted(&token(&header(), &payload()));
    assert_eq!(caller.roles().len(), 0);
    rig.assert_refused(
        &token_with("realm_access", json!(["admin"])),
        "token: the path to a claim leads through something not an object",
    );
}

#[test]
fn j16_roles_and_scopes_are_bounded_lists_of_texts() {
    let many = |count: usize| {
        (0..count)
            .map(|n| json!(format!("{n:x}")))
            .collect::<Vec<_>>()
    };
    for (claim, reason) in [
        (
            "roles",
            "token: a roles claim is not a bounded list of texts",
        ),
        (
            "scope",
            "token: a scope claim is not a bounded list of texts",
        ),
        ("scp", "token: a scope claim is not a bounded list of texts"),
    ] {
        for value in [
            json!(7),
            json!(true),
            json!({"admin": true}),
            json!([["admin"]]),
            json!(["admin", 7]),
            json!(["admin", null]),
            json!([""]),
            json!("x".repeat(257)),
            json!(["x".repeat(257)]),
            json!(many(257)),
        ] {
            rig().assert_refused(&token_with(claim, value), reason);
        }
        rig().assert_accepted(&token_with(claim, json!(["x".repeat(256)])));
    }
    rig().assert_accepted(&token_with("roles", json!(many(256))));
    // 256 in one claim and one in the other are too many together.
    rig().assert_refused(
        &token(&header(), &set(payload(), "scp", json!(many(255)))),
        "token: a scope claim is not a bounded list of texts",
    );
}

#[test]
fn j16_scopes_are_a_list_or_a_text_with_spaces() {
    for (claim, value) in [
        ("scope", json!("b a  c a")),
        ("scope", json!(["a", "b", "c"])),
        ("scp", json!("a b c")),
        ("scp", json!(["c", "b", "a"])),
    ] {
        let without = set(payload(), "scope", Value::Null);
        let caller = rig().assert_accepted(&token(&header(), &set(without, claim, value)));
        assert_eq!(caller.scopes().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert!(caller.has_scope("a") && !caller.has_scope("A") && !caller.has_scope("a b"));
    }
    // One role with a space in it is one role.
    let caller = rig().assert_accepted(&token_with("roles", json!("user admin")));
    assert!(caller.has_role("user admin") && !caller.has_role("admin"));
}
