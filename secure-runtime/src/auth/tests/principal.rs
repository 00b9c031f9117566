//! What a handler learns about its caller.

use super::*;

#[test]
fn everything_is_there() {
    let full = [("auth_time", json!(NOW - 5)), ("sid", json!("session-1"))]
        .into_iter()
        .fold(payload(), |payload, (name, value)| {
            set(payload, name, value)
        });
    let caller = rig().assert_accepted(&token(&header(), &full));
    assert_eq!(caller.subject(), "alice");
    assert_eq!(caller.issuer(), ISSUER);
    assert_eq!(caller.client_id(), Some("shop"));
    assert_eq!(caller.token_id(), "token-1");
    assert_eq!(caller.session_id(), Some("session-1"));
    assert_eq!(caller.authenticated_at(), Some(NOW - 5));
    assert_eq!(caller.issued_at(), NOW - 10);
    assert_eq!(caller.expires_at(), NOW + 600);
    assert_eq!(caller.roles().collect::<Vec<_>>(), ["admin", "support"]);
    assert!(caller.has_role("admin") && caller.has_role("support"));
    for role in ["", "adm", "administrator", "ADMIN", "admin "] {
        assert!(!caller.has_role(role));
    }
}

#[test]
fn j15_a_caller_is_issuer_and_subject_together() {
    let identity = |iss: &str, sub: &str| {
        let rig = Rig::new(vec![Issuer::new(iss, AUDIENCE).key(es256_key())]);
        let payload = set(set(payload(), "iss", json!(iss)), "sub", json!(sub));
        rig.assert_accepted(&token(&header(), &payload))
            .identity()
            .to_string()
    };
    let pairs = [
        ("a", "bc"),
        ("ab", "c"),
        ("a", "b"),
        ("a:b", "c"),
        ("a", "b:c"),
        ("1:a", "b"),
        ("a", "1:b"),
        ("a", "b\" \"c"),
    ];
    let mut identities: Vec<_> = pairs.iter().map(|(iss, sub)| identity(iss, sub)).collect();
    identities.sort_unstable();
    identities.dedup();
    assert_eq!(identities.len(), pairs.len());
}

#[test]
fn j16_every_claim_can_be_read_as_a_type_of_ones_own() {
    #[derive(serde::Deserialize)]
    struct Payments {
        authorization_details: Vec<Value>,
        big: u64,
    }
    let details = json!([{"type": "payment", "amount": "12.50"}]);
    let payload = set(payload(), "authorization_details", details);
    let caller = rig().assert_accepted(&token(&header(), &set(payload, "big", json!(u64::MAX))));
    let payments: Payments = caller.claims().unwrap();
    assert_eq!(payments.authorization_details.len(), 1);
    assert_eq!(payments.big, u64::MAX);
}

#[test]
fn claims_that_do_not_fit_are_refused_without_saying_them() {
    #[derive(Debug, serde::Deserialize)]
    struct Tenant {
        #[expect(dead_code, reason = "never decoded")]
        sub: u64,
    }
    let caller = rig().assert_accepted(&token(&header(), &payload()));
    let refused = caller.claims::<Tenant>().unwrap_err();
    assert_eq!(refused.refusal(), Refusal::CredentialsInvalid);
    assert!(!refused.reason().contains("alice"));
}

#[test]
fn only_the_issuer_is_shown() {
    let caller = rig().assert_accepted(&token(&header(), &payload()));
    assert_eq!(
        format!("{caller:?}"),
        "Principal { issuer: \"https://login.example.com\", .. }"
    );
    assert_eq!(format!("{:?}", Claims("alice")), "Claims { .. }");
}
