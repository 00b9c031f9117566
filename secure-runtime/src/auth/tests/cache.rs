//! Tokens that were verified before.

use super::{cache::Cache, *};
use crate::auth::{
    cache,
    principal::{Lifetime, Verified},
};

fn cached(rig: &Rig) -> usize {
    rig.authenticator
        .snapshot
        .load()
        .cache
        .as_ref()
        .map_or(0, Cache::len)
}

#[test]
fn a_verified_token_is_a_hit_and_shares_its_principal() {
    let rig = rig();
    let token = token(&header(), &payload());
    let first = rig.assert_accepted(&token);
    assert_eq!(cached(&rig), 1);
    let second = rig.assert_accepted(&token);
    assert!(Arc::ptr_eq(first.identity(), second.identity()));
}

#[test]
fn exp_is_checked_on_a_hit_and_an_expired_entry_goes() {
    let rig = rig();
    let token = token(&header(), &payload());
    rig.assert_accepted(&token);
    rig.advance(659);
    rig.assert_accepted(&token);
    rig.advance(1);
    rig.assert_refused(&token, "token: expired");
    assert_eq!(cached(&rig), 0);
    rig.assert_refused(&token, "token: expired");
}

#[test]
fn one_changed_byte_misses() {
    let rig = rig();
    let token = token(&header(), &payload());
    rig.assert_accepted(&token);
    for n in 0..token.len() {
        let mut other = token.clone().into_bytes();
        other[n] = if other[n] == b'x' { b'y' } else { b'x' };
        rig.reason(&String::from_utf8(other).unwrap());
    }
    rig.reason(&token[..token.len() - 1]);
    rig.reason(&format!("{token}A"));
    assert_eq!(cached(&rig), 1);
}

#[test]
fn refused_tokens_are_not_among_the_verified() {
    let rig = rig();
    for token in [
        token_with("exp", json!(NOW - 100)),
        token_with("nbf", json!(NOW + 100)),
        token_with("aud", json!("other")),
        format!("{}A", token(&header(), &payload())),
    ] {
        rig.reason(&token);
    }
    assert_eq!(cached(&rig), 0);
}

#[test]
fn replacing_the_issuers_forgets_what_was_verified() {
    let rig = rig();
    let token = token(&header(), &payload());
    rig.assert_accepted(&token);
    // The same name of issuer and key, another key.
    let other = VerifyingKey::eddsa(key_file!("ed.pub")).unwrap();
    rig.authenticator
        .replace_issuers(vec![Issuer::new(ISSUER, AUDIENCE).key(other.with_id("k1"))])
        .unwrap();
    assert_eq!(cached(&rig), 0);
    rig.assert_refused(&token, "token: `alg` is not the algorithm of the key");
    // An issuer that is no longer there.
    rig.authenticator.replace_issuers(vec![issuer()]).unwrap();
    rig.assert_accepted(&token);
    rig.authenticator
        .replace_issuers(vec![
            Issuer::new("https://other.example.com", AUDIENCE).key(es256_key()),
        ])
        .unwrap();
    rig.assert_refused(&token, "token: `iss` is not a configured issuer");
}

#[test]
fn a_refused_replacement_changes_nothing() {
    let rig = rig();
    let token = token(&header(), &payload());
    rig.assert_accepted(&token);
    assert_eq!(
        rig.authenticator.replace_issuers(Vec::new()),
        Err(AuthError::NoIssuer)
    );
    assert_eq!(cached(&rig), 1);
    rig.assert_accepted(&token);
}

#[test]
fn a_verification_in_flight_ends_in_the_cache_that_was_replaced() {
    let rig = rig();
    let token = token(&header(), &payload());
    let caller = rig.assert_accepted(&token);
    // What `verify` does when the issuers are replaced while it runs.
    let in_flight = rig.authenticator.snapshot.load();
    let other = VerifyingKey::eddsa(key_file!("ed.pub")).unwrap();
    rig.authenticator
        .replace_issuers(vec![Issuer::new(ISSUER, AUDIENCE).key(other)])
        .unwrap();
    in_flight
        .cache
        .as_ref()
        .unwrap()
        .insert(token.as_bytes(), &caller);
    assert_eq!(cached(&rig), 0);
    rig.reason(&token);
}

#[test]
fn a_cache_of_no_bytes_keeps_nothing() {
    let rig = Rig::with(
        vec![issuer()],
        AuthenticatorOptions {
            cache_bytes: 0,
            ..Default::default()
        },
    );
    let token = token(&header(), &payload());
    let first = rig.assert_accepted(&token);
    let second = rig.assert_accepted(&token);
    assert!(!Arc::ptr_eq(first.identity(), second.identity()));
}

#[test]
fn memory_is_bounded() {
    for capacity in [10_000, 1 << 20, 8 << 20] {
        let cache = cache::Cache::new(capacity).unwrap();
        for n in 0..100_000_u32 {
            let caller = Principal::new(Verified {
                authenticated_at: None,
                client_id: Some("shop".into()),
                factors: Box::from([Box::from("pwd")]),
                identity: crate::limit::Identity::new(Arc::from(format!("{n}"))),
                issuer: Arc::from(ISSUER),
                lifetime: Lifetime {
                    expires_at: 0,
                    issued_at: 0,
                    not_before: 0,
                },
                payload: "x".repeat(n as usize % 700).into(),
                roles: Box::from([Box::from("admin")]),
                scopes: Box::from([]),
                session_id: None,
                subject: Box::from("alice"),
                token_id: Box::from("1"),
            });
            cache.insert(format!("{n:0>600}").as_bytes(), &caller);
            assert!(cache.weight() <= capacity);
        }
        assert!(cache.len() > 3, "something is kept");
        assert!(
            cache.weight() > cache.len() as u64 * 600,
            "bytes are counted"
        );
    }
}

#[test]
fn a_hit_is_refused_where_the_clock_went_back() {
    let mut rig = rig();
    let token = token_with("nbf", json!(NOW + 100));
    rig.set_clock(40);
    rig.assert_accepted(&token);
    rig.set_clock(39);
    rig.assert_refused(&token, "token: `nbf` is in the future");
    rig.set_clock(40);
    rig.assert_accepted(&token);
}
