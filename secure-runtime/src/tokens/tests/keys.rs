//! Keys: several at a time, published, and never shown.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};

use super::*;
use crate::{
    error::Error,
    settings::{PrivateKeySource, SigningAlgorithm, SigningKeySettings},
};

fn pem(algorithm: &'static rcgen::SignatureAlgorithm) -> String {
    let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
    pem::encode(&pem::Pem::new("PRIVATE KEY", key.serialize_der()))
}

fn key(id: &str, algorithm: SigningAlgorithm, pem: &str) -> SigningKeySettings {
    SigningKeySettings::new(id, PrivateKeySource::Pem(pem.into())).algorithm(algorithm)
}

/// RFC 7517: what verifies the tokens stands in the JWKS, read by another implementation.
#[actix_web::test]
async fn the_jwks_verifies_the_tokens_of_every_key() {
    let keys = [
        key("old", SigningAlgorithm::EdDsa, &pem(&rcgen::PKCS_ED25519)),
        key(
            "new",
            SigningAlgorithm::Es256,
            &pem(&rcgen::PKCS_ECDSA_P256_SHA256),
        ),
    ];
    for (current, algorithm) in [("old", Algorithm::EdDSA), ("new", Algorithm::ES256)] {
        let rig = rig_with(|settings| {
            settings.keys = keys.to_vec();
            settings.signing_key = Some(current.to_owned());
        });
        let jwks: JwkSet = serde_json::from_str(rig.issuer.jwks()).unwrap();
        assert_eq!(jwks.keys.len(), 2);
        let tokens = rig.open().await;
        let header = decode_header(tokens.access_token()).unwrap();
        assert_eq!(header.kid.as_deref(), Some(current));
        assert_eq!(header.alg, algorithm);
        let jwk = jwks.find(current).unwrap();
        assert_eq!(
            jwk.common.key_algorithm.map(|alg| alg.to_string()),
            Some(format!("{algorithm:?}"))
        );
        let mut validation = Validation::new(algorithm);
        validation.set_audience(&["service.test"]);
        validation.set_issuer(&["https://self.test"]);
        // The clock of the test stands elsewhere.
        validation.validate_exp = false;
        let verifying = DecodingKey::from_jwk(jwk).unwrap();
        let verified = decode::<Value>(tokens.access_token(), &verifying, &validation).unwrap();
        assert_eq!(verified.claims["sub"], "ann");
    }
}

#[test]
fn the_jwks_has_public_members_only() {
    let rig = rig_with(|settings| {
        settings.keys = vec![
            key("a", SigningAlgorithm::EdDsa, &pem(&rcgen::PKCS_ED25519)),
            key(
                "b",
                SigningAlgorithm::Es256,
                &pem(&rcgen::PKCS_ECDSA_P256_SHA256),
            ),
        ];
        settings.signing_key = Some("b".to_owned());
    });
    let jwks: Value = serde_json::from_str(rig.issuer.jwks()).unwrap();
    let members = |n: usize| {
        let key = jwks["keys"][n].as_object().unwrap();
        key.keys().cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(members(0), "alg crv kid kty use x");
    assert_eq!(members(1), "alg crv kid kty use x y");
    for n in 0..2 {
        assert_eq!(jwks["keys"][n]["use"], "sig");
    }
}

/// Rotation: while both are listed the tokens of both are good, whichever signs; when the old one
/// is gone, so are its tokens.
#[actix_web::test]
async fn keys_overlap() {
    let old = key("old", SigningAlgorithm::EdDsa, &pem(&rcgen::PKCS_ED25519));
    let new = key("new", SigningAlgorithm::EdDsa, &pem(&rcgen::PKCS_ED25519));
    let with = |keys: &[&SigningKeySettings], current: &str| {
        rig_with(|settings| {
            settings.keys = keys.iter().copied().cloned().collect();
            settings.signing_key = Some(current.to_owned());
        })
    };
    let before = with(&[&old], "old");
    let staged = with(&[&old, &new], "old");
    let rotated = with(&[&old, &new], "new");
    let after = with(&[&new], "new");
    let (early, late) = (before.open().await, rotated.open().await);
    for (rig, early_is_good, late_is_good) in [
        (&before, true, false),
        (&staged, true, true),
        (&rotated, true, true),
        (&after, false, true),
    ] {
        assert_eq!(rig.is_good(&early).await, early_is_good);
        assert_eq!(rig.is_good(&late).await, late_is_good);
    }
}

/// J2: a token under the id of another key is not good.
#[actix_web::test]
async fn a_key_that_is_not_listed_signs_nothing_good() {
    let (mine, foreign) = (rig(), rig());
    assert!(!mine.is_good(&foreign.open().await).await);
}

#[test]
fn a_key_that_cannot_sign_stops_the_start() {
    let ed25519 = pem(&rcgen::PKCS_ED25519);
    let p256 = pem(&rcgen::PKCS_ECDSA_P256_SHA256);
    let p384 = pem(&rcgen::PKCS_ECDSA_P384_SHA384);
    let relabelled = |label: &str| ed25519.replace("PRIVATE KEY", label);
    let unlike = "not a private key of this algorithm: make one with `openssl genpkey`";
    for (algorithm, pem, problem) in [
        (SigningAlgorithm::EdDsa, p256.clone(), unlike),
        (SigningAlgorithm::Es256, ed25519.clone(), unlike),
        (SigningAlgorithm::Es256, p384, unlike),
        (
            SigningAlgorithm::EdDsa,
            relabelled("PUBLIC KEY"),
            "this is public, and the private key is needed",
        ),
        (
            SigningAlgorithm::EdDsa,
            relabelled("ENCRYPTED PRIVATE KEY"),
            "the key is encrypted: decrypt it with `openssl pkcs8`, and protect the file",
        ),
        (
            SigningAlgorithm::Es256,
            relabelled("EC PRIVATE KEY"),
            "the key is not PKCS#8: convert it with `openssl pkcs8 -topk8 -nocrypt`",
        ),
        (
            SigningAlgorithm::EdDsa,
            format!("{ed25519}{p256}"),
            "not exactly one PEM block: give one `-----BEGIN PRIVATE KEY-----` block",
        ),
        (
            SigningAlgorithm::EdDsa,
            "no PEM".to_owned(),
            "not exactly one PEM block: give one `-----BEGIN PRIVATE KEY-----` block",
        ),
    ] {
        let mut issuer = testing::token_issuer();
        issuer.keys = vec![key("a", algorithm, &pem)];
        let settings = Settings {
            token_issuer: Some(issuer),
            ..Settings::default()
        };
        let error = Security::builder().settings(settings).build().unwrap_err();
        let Error::Settings(mistakes) = &error else {
            panic!("{error}");
        };
        let mistakes: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
        assert_eq!(mistakes, [format!("`token_issuer.keys[0]`: {problem}")]);
        let body = pem.lines().nth(1).unwrap_or("no PEM");
        assert!(!format!("{error:?}").contains(body));
    }
}

#[test]
fn no_private_key_is_shown() {
    let pem = pem(&rcgen::PKCS_ED25519);
    let key = key("a", SigningAlgorithm::EdDsa, &pem);
    let mut issuer = testing::token_issuer();
    issuer.keys = vec![key];
    let settings = Settings {
        token_issuer: Some(issuer),
        ..Settings::default()
    };
    let shown = format!("{settings:?}");
    let security = Security::builder().settings(settings).build().unwrap();
    let shown = format!("{shown} {:?} {security:?}", security.token_issuer());
    let body = pem.lines().nth(1).unwrap();
    assert!(
        !shown.contains(body) && !shown.contains(&body[20..]),
        "{shown}"
    );
    assert!(shown.contains("EdDsa"));
}
