//! Keys that sign access tokens: parsed once, one algorithm each; and their public halves.

use std::fmt;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::zeroize::Zeroizing;
use serde::Serialize;
use serde_json::json;

use super::TokenError;
use crate::{
    auth::{Issuer, VerifyingKey, is_identifier},
    error::{Mistake, Mistakes},
    settings::{SigningAlgorithm, TokenIssuerSettings},
};

/// Every key of the issuer; one of them signs.
pub(super) struct SigningKeys {
    keys: Vec<SigningKey>,
    /// INVARIANT: an index into `keys`.
    current: usize,
}

struct SigningKey {
    id: String,
    pair: Pair,
    /// The first part of every token that it signs, with the dot.
    header: String,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
}

impl SigningKeys {
    /// Reads the keys from where the settings say they are; reports all that is wrong with them.
    pub(super) fn load(settings: &TokenIssuerSettings) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::default();
        let mut keys = Vec::new();
        for (place, key) in settings.keys.iter().enumerate() {
            let loaded = key.load().and_then(|pem| {
                SigningKey::parse(&key.id, key.algorithm, &pem)
                    .map_err(|problem| Mistake::new("", problem))
            });
            match loaded {
                Ok(key) => keys.push(key),
                Err(mistake) => {
                    mistakes.add(mistake.within(&format!("token_issuer.keys[{place}]")));
                }
            }
        }
        let current = settings.current_key();
        match current {
            Some(current) if mistakes.iter().next().is_none() => Ok(Self { keys, current }),
            Some(_) => Err(mistakes),
            None => {
                mistakes.add(Mistake::new(
                    "token_issuer.signing_key",
                    "no key has this id",
                ));
                Err(mistakes)
            }
        }
    }

    /// `claims` as a token, in the compact form.
    pub(super) fn sign(&self, claims: &impl Serialize) -> Result<String, TokenError> {
        let key = self.keys.get(self.current).ok_or(TokenError::Signing)?;
        let payload = serde_json::to_vec(claims).map_err(|_| TokenError::Signing)?;
        let mut token = key.header.clone();
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let signature = key.pair.sign(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    /// What verifies the tokens of every key.
    pub(super) fn issuer(&self, name: &str, audience: &str) -> Result<Issuer, Mistake> {
        let issuer = Issuer::new(name, audience)
            .roles_from("roles")
            .scopes_from("scope");
        self.keys
            .iter()
            .enumerate()
            .try_fold(issuer, |issuer, (place, key)| {
                let at = || format!("token_issuer.keys[{place}]");
                let verifying = key
                    .pair
                    .verifying_key()
                    .map_err(|error| Mistake::new(at(), error.to_string()))?;
                // A key that does not sign what it verifies is found before the first token is.
                let signature = key.pair.sign(at().as_bytes());
                if !signature.is_ok_and(|signature| verifying.verifies(at().as_bytes(), &signature))
                {
                    return Err(Mistake::new(at(), "the key does not verify what it signs"));
                }
                Ok(issuer.key(verifying.with_id(&key.id)))
            })
    }

    /// The public halves as a JWK Set (RFC 7517 section 5).
    pub(super) fn jwks(&self) -> String {
        let keys = self.keys.iter().map(|key| {
            let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
            let (alg, id) = (key.pair.algorithm().name(), &key.id);
            match &key.pair {
                Pair::Ed25519(pair) => json!({
                    "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": alg, "kid": id,
                    "x": encode(pair.public_key().as_ref()),
                }),
                Pair::P256(pair) => {
                    // Uncompressed: a byte 4, then both coordinates.
                    let point = pair.public_key().as_ref();
                    let (x, y) = point
                        .get(1..)
                        .unwrap_or_default()
                        .split_at_checked(32)
                        .unwrap_or_default();
                    json!({
                        "kty": "EC", "crv": "P-256", "use": "sig", "alg": alg, "kid": id,
                        "x": encode(x), "y": encode(y),
                    })
                }
            }
        });
        json!({ "keys": keys.collect::<Vec<_>>() }).to_string()
    }
}

impl SigningKey {
    /// A key in PEM. What is wrong is said without any of its text.
    fn parse(id: &str, algorithm: SigningAlgorithm, pem: &[u8]) -> Result<Self, &'static str> {
        if !is_identifier(id) {
            return Err("the id is empty, too long or has control characters");
        }
        let der = private_key(pem)?;
        let unlike = "not a private key of this algorithm: make one with `openssl genpkey`";
        let pair = match algorithm {
            // `openssl` leaves the public key out, so there is nothing to check it against.
            SigningAlgorithm::EdDsa => Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der)
                .map(Pair::Ed25519)
                .map_err(|_| unlike)?,
            SigningAlgorithm::Es256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der)
                    .map(Pair::P256)
                    .map_err(|_| unlike)?
            }
        };
        let header = json!({ "alg": algorithm.name(), "kid": id, "typ": "at+jwt" });
        Ok(Self {
            id: id.to_owned(),
            pair,
            header: format!("{}.", URL_SAFE_NO_PAD.encode(header.to_string())),
        })
    }
}

/// The only PEM block in a text, which is a PKCS#8 private key.
fn private_key(text: &[u8]) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    let mut blocks = pem::parse_many(text)
        .unwrap_or_default()
        .into_iter()
        .map(|block| {
            (
                block.tag().to_owned(),
                Zeroizing::new(block.into_contents()),
            )
        });
    match (blocks.next(), blocks.next()) {
        (Some((tag, der)), None) => match tag.as_str() {
            "PRIVATE KEY" => Ok(der),
            "ENCRYPTED PRIVATE KEY" => {
                Err("the key is encrypted: decrypt it with `openssl pkcs8`, and protect the file")
            }
            "EC PRIVATE KEY" => {
                Err("the key is not PKCS#8: convert it with `openssl pkcs8 -topk8 -nocrypt`")
            }
            "PUBLIC KEY" | "CERTIFICATE" => Err("this is public, and the private key is needed"),
            _ => Err("not a private key in PEM"),
        },
        _ => Err("not exactly one PEM block: give one `-----BEGIN PRIVATE KEY-----` block"),
    }
}

impl Pair {
    fn algorithm(&self) -> SigningAlgorithm {
        match self {
            Self::Ed25519(_) => SigningAlgorithm::EdDsa,
            Self::P256(_) => SigningAlgorithm::Es256,
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, TokenError> {
        match self {
            Self::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Self::P256(pair) => pair
                .sign(&SystemRandom::new(), message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| TokenError::Signing),
        }
    }

    fn verifying_key(&self) -> Result<VerifyingKey, crate::auth::KeyError> {
        match self {
            Self::Ed25519(pair) => VerifyingKey::of_ed25519_point(pair.public_key().as_ref()),
            Self::P256(pair) => VerifyingKey::of_p256_point(pair.public_key().as_ref()),
        }
    }
}

/// Which, and nothing of the keys themselves.
impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.keys.iter().map(|key| (&key.id, key.pair.algorithm()));
        f.debug_map().entries(keys).finish()
    }
}
