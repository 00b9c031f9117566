//! Tokens that were refused before, and why. Signatures that are checked are counted, on this thread.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use actix_web::body::MessageBody;

use super::*;
use crate::{
    auth::{principal::Lifetime, refusals::Place},
    rejection::ProtectionSpace,
};

pub(super) const WRONG_SIGNATURE: &str = "token: the signature is not valid";

/// How many signatures are checked meanwhile.
pub(super) fn signatures(work: impl FnOnce()) -> u64 {
    let before = jwt::CHECKED.get();
    work();
    jwt::CHECKED.get() - before
}

pub(super) fn kept(rig: &Rig) -> usize {
    let snapshot = rig.authenticator.snapshot.load();
    snapshot.refusals.as_ref().map_or(0, Refusals::len)
}

/// The token with the signature of another.
pub(super) fn forged(token: &str) -> String {
    let other = token_with("jti", json!("token-2"));
    let (signed, _) = token.rsplit_once('.').unwrap();
    let (_, signature) = other.rsplit_once('.').unwrap();
    format!("{signed}.{signature}")
}

pub(super) fn valid() -> String {
    token(&header(), &payload())
}

/// Tokens that are refused after their signature was checked.
fn refused_by_signature_or_later() -> Vec<(String, &'static str)> {
    vec![
        (forged(&valid()), WRONG_SIGNATURE),
        (
            token_with("aud", json!("other")),
            "token: `aud` does not name this service",
        ),
        (
            token_with("events", json!({})),
            "token: `events` marks a logout or event token",
        ),
        (
            token_with("sub", json!(7)),
            "token: `sub` is missing or not a usable text",
        ),
        (
            token_with("exp", json!(NOW + 90_000)),
            "token: lives longer than `tokens.max_lifetime`",
        ),
        (token_with("exp", json!(NOW - 60)), "token: expired"),
        (
            token_with("nbf", json!(NOW + 100)),
            "token: `nbf` is in the future",
        ),
        (
            token_with("iat", json!(NOW + 100)),
            "token: `iat` is in the future",
        ),
    ]
}

#[test]
fn a_refused_token_costs_no_signature_when_it_comes_again() {
    let rig = rig();
    for (token, reason) in refused_by_signature_or_later() {
        assert_eq!(signatures(|| rig.assert_refused(&token, reason)), 1);
        for _ in 0..3 {
            assert_eq!(signatures(|| rig.assert_refused(&token, reason)), 0);
        }
    }
    assert_eq!(kept(&rig), refused_by_signature_or_later().len());
}

#[test]
fn what_has_cost_the_parsing_of_a_payload_is_kept() {
    let rig = rig();
    let tokens = [
        token_of(&header().to_string(), "{"),
        token_with("iss", json!("https://other.example.com")),
        token_with_header("typ", json!("JWT")),
        token_with_header("kid", json!("k2")),
        token_with_header("alg", json!("ES384")),
    ];
    for (number, token) in tokens.iter().enumerate() {
        let reason = rig.reason(token);
        assert_eq!(kept(&rig), number + 1, "{reason}");
        rig.assert_refused(token, &reason);
    }
}

#[test]
fn what_is_refused_at_once_takes_no_place() {
    let rig = rig();
    let valid = valid();
    let (signed, signature) = valid.rsplit_once('.').unwrap();
    let (_, payload) = signed.split_once('.').unwrap();
    for token in [
        "x".repeat(MAX_TOKEN_BYTES + 1),
        "aaaa.bbbb".to_owned(),
        format!("{valid}="),
        // Not strict base64url: header, payload, signature.
        format!("e30x.{payload}.{signature}").replace("e30x", "e30AA"),
        format!("{signed}A.{signature}"),
        format!("{signed}.{signature}AAA"),
        token_of("[]", "{}"),
        token_with_header("crit", json!(["b64"])),
        token_with_header("alg", json!("none")),
    ] {
        let reason = rig.reason(&token);
        assert_eq!(kept(&rig), 0, "{reason}");
    }
}

/// Status, fields and body, and what the log gets.
fn everything(rejection: Rejection) -> String {
    let event = rejection.event();
    let parts = format!("{rejection:?} {event} {}", rejection.reason());
    let response = rejection.respond(ProtectionSpace {
        realm: "orders",
        resource_metadata: Some("https://orders.example.com/metadata"),
        challenges: None,
    });
    let (status, fields) = (response.status(), format!("{:?}", response.headers()));
    let body = response.into_body().try_into_bytes().unwrap();
    format!("{parts} {status} {fields} {body:?}")
}

#[test]
fn a_refusal_from_the_cache_is_the_same_in_every_respect() {
    let rig = rig();
    for (token, reason) in refused_by_signature_or_later() {
        let first = everything(rig.authenticate(&token).unwrap_err());
        let again = everything(rig.authenticate(&token).unwrap_err());
        assert_eq!(first, again);
        assert!(first.contains(reason), "{first}");
        assert!(first.contains("www-authenticate"), "{first}");
    }
}

#[test]
fn an_expired_token_leaves_the_verified_ones_and_costs_no_signature() {
    let rig = rig();
    let token = valid();
    rig.assert_accepted(&token);
    rig.advance(660);
    for _ in 0..3 {
        assert_eq!(
            signatures(|| rig.assert_refused(&token, "token: expired")),
            0
        );
        let snapshot = rig.authenticator.snapshot.load();
        assert_eq!(snapshot.cache.as_ref().unwrap().len(), 0);
        assert_eq!(kept(&rig), 1);
    }
}

#[test]
fn a_clock_that_was_wrong_for_a_moment_refuses_no_longer() {
    let mut rig = rig();
    let (seen, unseen) = (valid(), token_with("jti", json!("token-2")));
    rig.assert_accepted(&seen);
    // A year ahead.
    rig.set_clock(365 * 24 * 3600);
    for token in [&seen, &unseen] {
        rig.assert_refused(token, "token: expired");
        rig.assert_refused(token, "token: expired");
    }
    rig.set_clock(0);
    for token in [&seen, &unseen] {
        assert_eq!(signatures(|| drop(rig.assert_accepted(token))), 1);
        assert_eq!(signatures(|| drop(rig.assert_accepted(token))), 0);
    }
    // What expires in earnest is refused as before.
    rig.set_clock(660);
    for token in [&seen, &unseen] {
        rig.assert_refused(token, "token: expired");
    }
}

#[test]
fn a_token_that_is_not_yet_valid_becomes_valid_and_expires() {
    for claim in ["nbf", "iat"] {
        let rig = rig();
        let token = token_with(claim, json!(NOW + 100));
        let reason = format!("token: `{claim}` is in the future");
        rig.assert_refused(&token, &reason);
        rig.advance(39);
        assert_eq!(signatures(|| rig.assert_refused(&token, &reason)), 0);
        rig.advance(1);
        assert_eq!(signatures(|| drop(rig.assert_accepted(&token))), 1);
        rig.advance(620);
        rig.assert_refused(&token, "token: expired");
    }
}

/// An issuer whose key `k1` is another.
fn rotated_away() -> Issuer {
    let other = VerifyingKey::eddsa(key_file!("ed.pub")).unwrap();
    Issuer::new(ISSUER, AUDIENCE).key(other.with_id("k1"))
}

#[test]
fn what_other_issuers_have_refused_is_valid_at_once() {
    let elsewhere = Issuer::new(ISSUER, "https://other.example.com").key(es256_key().with_id("k1"));
    let strangers = Issuer::new("https://other.example.com", AUDIENCE).key(es256_key());
    let another_name = Issuer::new(ISSUER, AUDIENCE).key(es256_key().with_id("k2"));
    let token = valid();
    for (issuer_before, reason) in [
        (
            rotated_away(),
            "token: `alg` is not the algorithm of the key",
        ),
        (elsewhere, "token: `aud` does not name this service"),
        (strangers, "token: `iss` is not a configured issuer"),
        (another_name, "token: `kid` is not a key of the issuer"),
    ] {
        let rig = Rig::new(vec![issuer_before.clone()]);
        rig.assert_refused(&token, reason);
        rig.assert_refused(&token, reason);
        rig.authenticator.replace_issuers(vec![issuer()]).unwrap();
        assert_eq!(kept(&rig), 0);
        rig.assert_accepted(&token);
        rig.authenticator
            .replace_issuers(vec![issuer_before])
            .unwrap();
        rig.assert_refused(&token, reason);
    }
}

/// The same name and algorithm of the key, other bytes.
#[test]
fn a_signature_that_was_wrong_is_right_with_another_key() {
    let key = |seed: u8| {
        let bytes = secret_bytes(64).into_iter().map(|byte| byte ^ seed);
        let key = hmac_key(HmacAlgorithm::Hs256, bytes.collect());
        Issuer::new(ISSUER, AUDIENCE).key(key.with_id("k1"))
    };
    let signer = EncodingKey::from_secret(&secret_bytes(64));
    let header = set(header(), "alg", json!("HS256")).to_string();
    let token = signed_with(&header, &payload().to_string(), &signer, Algorithm::HS256);
    let rig = Rig::new(vec![key(1)]);
    rig.assert_refused(&token, WRONG_SIGNATURE);
    rig.authenticator.replace_issuers(vec![key(0)]).unwrap();
    rig.assert_accepted(&token);
    rig.authenticator.replace_issuers(vec![key(1)]).unwrap();
    rig.assert_refused(&token, WRONG_SIGNATURE);
}

#[test]
fn a_refusal_in_flight_ends_in_the_cache_that_was_replaced() {
    let rig = Rig::new(vec![rotated_away()]);
    let token = valid();
    // What `verify` does when the issuers are replaced while it runs.
    let in_flight = rig.authenticator.snapshot.load();
    let place = in_flight.refusals.as_ref().unwrap().place(token.as_bytes());
    rig.authenticator.replace_issuers(vec![issuer()]).unwrap();
    place.keep(Verdict::Never("token: of before"));
    assert_eq!(kept(&rig), 0);
    rig.assert_accepted(&token);
}

/// Threads present the token all the time, so that some verification is always in flight.
#[test]
fn replaced_issuers_judge_at_once_whatever_is_in_flight() {
    let (rig, token, is_over) = (rig(), valid(), AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let _ = rig.authenticate(&token);
                }
            });
        }
        let judged = (0..300).all(|_| {
            rig.authenticator
                .replace_issuers(vec![rotated_away()])
                .unwrap();
            let refused = (0..3).all(|_| rig.authenticate(&token).is_err());
            rig.authenticator.replace_issuers(vec![issuer()]).unwrap();
            refused && (0..3).all(|_| rig.authenticate(&token).is_ok())
        });
        is_over.store(true, Ordering::Relaxed);
        assert!(judged);
    });
}

#[test]
fn one_changed_byte_is_another_token() {
    let rig = rig();
    let token = valid();
    for n in 0..token.len() {
        let mut other = token.clone().into_bytes();
        other[n] = if other[n] == b'x' { b'y' } else { b'x' };
        rig.reason(&String::from_utf8(other).unwrap());
    }
    assert!(kept(&rig) > 100);
    assert_eq!(signatures(|| drop(rig.assert_accepted(&token))), 1);
}

#[test]
fn tokens_that_begin_or_end_alike_are_told_apart() {
    let rig = rig();
    let token = valid();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let other = token_with("jti", json!("token-2"));
    let (other_signed, other_signature) = other.rsplit_once('.').unwrap();
    rig.assert_refused(&format!("{signed}.{other_signature}"), WRONG_SIGNATURE);
    rig.assert_refused(&format!("{other_signed}.{signature}"), WRONG_SIGNATURE);
    rig.assert_accepted(&token);
    rig.assert_accepted(&other);
}

pub(super) fn refusals(bytes: u64) -> Refusals {
    Refusals::new(bytes).unwrap()
}

fn reason(place: &Place<'_>) -> Option<Reason> {
    match place.verdict()? {
        Verdict::Never(reason) => Some(reason),
        Verdict::Within(_) => None,
    }
}

/// What an attacker who knew the key of the hash could do: everything has one digest.
#[test]
fn tokens_of_one_digest_are_told_apart() {
    let refusals = refusals(1 << 20);
    let tokens: Vec<_> = (0..50).map(|n| format!("token {n}")).collect();
    for token in tokens.iter().step_by(2) {
        let place = refusals.place_at(7, token.as_bytes());
        place.keep(Verdict::Never("even"));
    }
    for (n, token) in tokens.iter().enumerate() {
        let expected = (n % 2 == 0).then_some("even");
        assert_eq!(reason(&refusals.place_at(7, token.as_bytes())), expected);
    }
}

#[test]
fn the_hash_is_of_the_whole_token_and_has_a_key() {
    let one = refusals(1 << 20);
    let token = valid().into_bytes();
    let mut digests = vec![one.place(&token).digest()];
    for n in 0..token.len() {
        let mut other = token.clone();
        other[n] ^= 1;
        digests.push(one.place(&other).digest());
    }
    digests.push(one.place(&token[1..]).digest());
    digests.push(refusals(1 << 20).place(&token).digest());
    let count = digests.len();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), count);
}

#[test]
fn a_verdict_shows_no_token() {
    let lifetime = Lifetime {
        expires_at: 3,
        issued_at: 1,
        not_before: 2,
    };
    let shown = format!("{:?}", Verdict::Within(lifetime));
    assert_eq!(
        shown,
        "Within(Lifetime { expires_at: 3, issued_at: 1, not_before: 2 })"
    );
    let rig = rig();
    let token = forged(&valid());
    rig.reason(&token);
    let shown = format!("{:?}", rig.authenticator);
    assert!(!shown.contains(token.split('.').next_back().unwrap()));
}
