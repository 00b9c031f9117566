//! Issuers and their keys, checked when an authenticator is made.

use super::*;

#[track_caller]
fn error(issuers: Vec<Issuer>) -> AuthError {
    Authenticator::new(issuers, Clock::manual().0, AuthenticatorOptions::default()).unwrap_err()
}

fn bare() -> Issuer {
    Issuer::new(ISSUER, AUDIENCE)
}

fn ed() -> VerifyingKey {
    VerifyingKey::eddsa(key_file!("ed.pub")).unwrap()
}

#[test]
fn j04_key_families_are_never_mixed_for_one_issuer() {
    let hmac = || hmac_key(HmacAlgorithm::Hs256, secret_bytes(32)).with_id("h");
    let issuer = || ISSUER.to_owned();
    assert_eq!(
        error(vec![bare().key(hmac()).key(es256_key().with_id("e"))]),
        AuthError::KeyFamiliesMixed { issuer: issuer() }
    );
    assert_eq!(
        error(vec![bare().key(es256_key().with_id("e")).key(hmac())]),
        AuthError::KeyFamiliesMixed { issuer: issuer() }
    );
    // Two issuers may differ, and one may rotate from one public-key family to another.
    Rig::new(vec![
        bare().key(es256_key().with_id("a")).key(ed().with_id("b")),
        Issuer::new("https://other.example.com", AUDIENCE).key(hmac()),
    ]);
}

#[test]
fn every_mistake_is_refused() {
    let issuer = || ISSUER.to_owned();
    for (issuers, expected) in [
        (vec![], AuthError::NoIssuer),
        (vec![bare()], AuthError::NoKey { issuer: issuer() }),
        (
            vec![bare().key(es256_key()), bare().key(ed())],
            AuthError::IssuerTwice { issuer: issuer() },
        ),
        (
            vec![bare().key(es256_key().with_id("a")).key(ed().with_id("a"))],
            AuthError::KeyIdTwice {
                issuer: issuer(),
                id: "a".to_owned(),
            },
        ),
        (
            vec![bare().key(es256_key().with_id("a")).key(ed())],
            AuthError::KeyIdMissing { issuer: issuer() },
        ),
        (
            vec![bare().key(es256_key().with_id(""))],
            AuthError::KeyId { issuer: issuer() },
        ),
        (
            vec![Issuer::new("", AUDIENCE).key(es256_key())],
            AuthError::IssuerName,
        ),
        (
            vec![Issuer::new(ISSUER, "").key(es256_key())],
            AuthError::Audience { issuer: issuer() },
        ),
    ] {
        let error = error(issuers);
        assert_eq!(error, expected);
        assert!(error.to_string().contains(": "), "says what to do: {error}");
    }
}

#[test]
fn issuers_can_be_printed() {
    let rig = Rig::new(vec![
        Issuer::new("https://z.example.com", "z").key(ed()),
        issuer().accept_generic_typ(),
    ]);
    let lines: Vec<_> = rig
        .authenticator
        .issuers()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        lines,
        [
            "https://login.example.com for `https://orders.example.com`, keys ES256 `k1`, ACCEPTS GENERIC TYP",
            "https://z.example.com for `z`, keys EdDSA",
        ]
    );
}

#[test]
fn an_authenticator_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Authenticator>();
    shared::<Principal>();
    shared::<Issuer>();
}
