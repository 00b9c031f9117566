//! Tests of the room, one topic a file; `j..` names the requirement.
//!
//! Tokens are signed by jsonwebtoken with keys that were made for these tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod algorithms;
mod cache;
mod claims;
mod configuration;
mod credentials;
mod floods;
mod header;
mod keys;
mod kinds;
mod lifetime;
mod model;
mod principal;
mod properties;
mod refusals;

use std::time::Duration;

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use secrecy::SecretSlice;
use serde_json::{Value, json};

use super::*;
use crate::clock::ClockHand;

/// Where a manual clock begins.
const NOW: u64 = 1_767_225_600;
const ISSUER: &str = "https://login.example.com";
const AUDIENCE: &str = "https://orders.example.com";

macro_rules! key_file {
    ($name:literal) => {
        include_str!(concat!("keys/", $name, ".pem"))
    };
}
use key_file;

/// 64 bytes that pass for random ones.
fn secret_bytes(length: u8) -> Vec<u8> {
    (0..length)
        .map(|n| n.wrapping_mul(n).wrapping_mul(167).wrapping_add(n ^ 0x5a))
        .collect()
}

fn hmac_key(algorithm: HmacAlgorithm, bytes: Vec<u8>) -> VerifyingKey {
    VerifyingKey::hmac(algorithm, &SecretSlice::from(bytes)).unwrap()
}

fn es256_key() -> VerifyingKey {
    VerifyingKey::ecdsa(EcdsaAlgorithm::Es256, key_file!("es256.pub")).unwrap()
}

fn issuer() -> Issuer {
    Issuer::new(ISSUER, AUDIENCE).key(es256_key().with_id("k1"))
}

/// An authenticator and the hand of its clock.
struct Rig {
    authenticator: Authenticator,
    hand: ClockHand,
}

impl Rig {
    fn new(issuers: Vec<Issuer>) -> Self {
        Self::with(issuers, AuthenticatorOptions::default())
    }

    fn with(issuers: Vec<Issuer>, options: AuthenticatorOptions) -> Self {
        let (clock, hand) = Clock::manual();
        Self {
            authenticator: Authenticator::new(issuers, clock, options).unwrap(),
            hand,
        }
    }

    fn authenticate(&self, token: &str) -> Result<Principal, Rejection> {
        self.authenticator.authenticate(&bearer(token))
    }

    /// Why a token is refused; panics if it is not, or not as an invalid token.
    #[track_caller]
    fn reason(&self, token: &str) -> String {
        let refused = self.authenticate(token).unwrap_err();
        assert_eq!(refused.refusal(), Refusal::CredentialsInvalid);
        refused.reason().to_owned()
    }

    #[track_caller]
    fn assert_refused(&self, token: &str, reason: &str) {
        assert_eq!(self.reason(token), reason);
    }

    #[track_caller]
    fn assert_accepted(&self, token: &str) -> Principal {
        self.authenticate(token).unwrap()
    }

    fn advance(&self, seconds: u64) {
        self.hand.advance(Duration::from_secs(seconds));
    }

    /// Gives it a clock that shows so many seconds after [`NOW`], later or earlier than before.
    fn set_clock(&mut self, seconds: u64) {
        (self.authenticator.clock, self.hand) = Clock::manual();
        self.advance(seconds);
    }
}

fn rig() -> Rig {
    Rig::new(vec![issuer()])
}

fn bearer(token: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(
        AUTHORIZATION,
        HeaderValue::from_str(&format!("Bearer {token}")).unwrap(),
    );
    headers
}

fn header() -> Value {
    json!({"typ": "at+jwt", "alg": "ES256", "kid": "k1"})
}

fn payload() -> Value {
    json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "alice",
        "client_id": "shop",
        "jti": "token-1",
        "iat": NOW - 10,
        "exp": NOW + 600,
        "roles": ["support", "admin"],
        "scope": "orders:read orders:write",
    })
}

/// `value` with one member set, or removed by `Value::Null`.
fn set(mut value: Value, name: &str, to: Value) -> Value {
    let members = value.as_object_mut().unwrap();
    match to {
        Value::Null => members.remove(name),
        to => members.insert(name.to_owned(), to),
    };
    value
}

fn signed_with(header: &str, payload: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(payload)
    );
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

fn es256_signer() -> EncodingKey {
    EncodingKey::from_ec_pem(key_file!("es256.key").as_bytes()).unwrap()
}

/// A token with exactly these texts, signed with the key `k1`.
fn token_of(header: &str, payload: &str) -> String {
    signed_with(header, payload, &es256_signer(), Algorithm::ES256)
}

fn token(header: &Value, payload: &Value) -> String {
    token_of(&header.to_string(), &payload.to_string())
}

fn token_with(claim: &str, value: Value) -> String {
    token(&header(), &set(payload(), claim, value))
}

fn token_with_header(member: &str, value: Value) -> String {
    token(&set(header(), member, value), &payload())
}
