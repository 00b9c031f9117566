//! Other texts of a token that was revoked.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::json;

use super::*;
use crate::auth::{EcdsaAlgorithm, Issuer, VerifyingKey};

/// Order of the group of P-256.
const N: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// `N - s`, big-endian.
fn negated(s: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 32];
    let mut borrow = 0;
    for at in (0..32).rev() {
        let difference = i16::from(N[at]) - i16::from(s[at]) - borrow;
        borrow = i16::from(difference < 0);
        out[at] = (difference + 256 * borrow) as u8;
    }
    assert_eq!(borrow, 0);
    out
}

#[tokio::test]
async fn r05_another_text_of_a_revoked_token_is_refused() {
    let (clock, _hand) = Clock::manual();
    let key = VerifyingKey::ecdsa(
        EcdsaAlgorithm::Es256,
        include_str!("../../auth/tests/keys/es256.pub.pem"),
    );
    let authenticator = Authenticator::new(
        vec![Issuer::new(ISSUER, "service.test").key(key.unwrap())],
        clock.clone(),
        AuthenticatorOptions::default(),
    )
    .unwrap();
    let list = RevocationList::open(clock.clone(), options()).unwrap();
    let now = clock.unix_seconds();
    let signer =
        EncodingKey::from_ec_pem(include_bytes!("../../auth/tests/keys/es256.key.pem")).unwrap();
    let sign = |id: &str| {
        let encode = |json: serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let message = format!(
            "{}.{}",
            encode(json!({"alg": "ES256", "typ": "at+jwt"})),
            encode(json!({
                "iss": ISSUER, "aud": "service.test", "sub": SUBJECT, "client_id": CLIENT,
                "jti": id, "iat": now, "exp": now + 300,
            }))
        );
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &signer, Algorithm::ES256).unwrap();
        (message, signature)
    };
    let (message, signature) = sign("one");
    let token = format!("{message}.{signature}");
    let caller = authenticate(&authenticator, &token).unwrap();
    assert_eq!(judge(&list, &caller), None);

    // Anybody can do this, and what comes out is a valid signature of the same message.
    let bytes = URL_SAFE_NO_PAD.decode(&signature).unwrap();
    let mut other = bytes[..32].to_vec();
    other.extend(negated(&bytes[32..]));
    let malleated = format!("{message}.{}", URL_SAFE_NO_PAD.encode(&other));
    assert_ne!(malleated, token);
    let again = authenticate(&authenticator, &malleated).expect("a valid signature");
    assert_eq!(judge(&list, &again), None);

    list.revoke(&caller).await.unwrap();
    let mut texts = vec![token.clone(), malleated];
    texts.extend([
        format!("{token}="),
        format!("{token}=="),
        format!("{token}A"),
        token.replace('.', "=."),
        token.replace('-', "+").replace('_', "/"),
        format!("{} ", token),
    ]);
    // The last character carries bits that mean nothing.
    let (rest, last) = token.split_at(token.len() - 1);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    texts.extend(
        alphabet
            .chars()
            .filter(|c| !last.starts_with(*c))
            .map(|c| format!("{rest}{c}")),
    );
    for text in texts {
        let outcome = authenticate(&authenticator, &text)
            .and_then(|caller| list.check(&caller, WITHIN).map(|()| caller));
        assert!(outcome.is_err(), "{text}");
    }

    // Another token of the same caller is another token.
    let (message, signature) = sign("two");
    let caller = authenticate(&authenticator, &format!("{message}.{signature}")).unwrap();
    assert_eq!(judge(&list, &caller), None);
}
