//! An issuer with a key of one algorithm, for this crate and for `jsonwebtoken`.

use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation, encode};
use rcgen::{
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256, PublicKeyData, RsaKeySize,
};
use secure_runtime::{
    Clock, EcdsaAlgorithm, HmacAlgorithm, Issuer, RsaAlgorithm, SecretSlice, VerifyingKey,
};
use serde::{Deserialize, Serialize};

/// What the issuer calls itself.
pub const ISSUER: &str = "https://id.example.com";
/// The service that its tokens are for.
pub const AUDIENCE: &str = "https://orders.example.com";

/// How tokens are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Ed25519.
    EdDsa,
    /// ECDSA on P-256.
    Es256,
    /// HMAC with SHA-256.
    Hs256,
    /// RSA of 2048 bits.
    Rs256,
}

/// What a token says: the claims that an access token must have (RFC 9068), and roles.
#[derive(Debug, Deserialize, Serialize)]
#[expect(missing_docs, reason = "they are the names of the claims")]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    pub sub: String,
    pub client_id: String,
    pub jti: String,
    pub iat: u64,
    pub auth_time: u64,
    pub exp: u64,
    pub roles: Vec<String>,
    pub scope: String,
}

/// What verifies tokens, as both crates want it.
#[derive(Clone)]
pub struct Verifier {
    algorithm: Algorithm,
    /// A key in PEM, or a secret.
    key: String,
}

/// An issuer.
pub struct Identity {
    signs: EncodingKey,
    verifier: Verifier,
}

impl Algorithm {
    /// All of them, the cheapest to verify first.
    pub const ALL: [Self; 4] = [Self::Hs256, Self::Rs256, Self::EdDsa, Self::Es256];

    /// As the field `alg` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
        }
    }

    /// The algorithm of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
    }

    fn of_jsonwebtoken(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::EdDsa => jsonwebtoken::Algorithm::EdDSA,
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
            Self::Hs256 => jsonwebtoken::Algorithm::HS256,
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
        }
    }
}

impl Identity {
    /// An issuer with a new key.
    ///
    /// # Panics
    ///
    /// No key can be generated.
    pub fn new(algorithm: Algorithm) -> Self {
        let in_pem = |label, der| pem::encode(&pem::Pem::new(label, der));
        let key = match algorithm {
            Algorithm::EdDsa => KeyPair::generate_for(&PKCS_ED25519),
            // Its bytes serve as a secret.
            Algorithm::Es256 | Algorithm::Hs256 => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
            Algorithm::Rs256 => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048),
        }
        .expect("a key is generated");
        let private = in_pem("PRIVATE KEY", key.serialize_der());
        let public = in_pem("PUBLIC KEY", key.subject_public_key_info());
        let secret = || {
            let bytes = key.serialize_der().into_iter().rev().take(64);
            bytes.map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        let (signs, key) = match algorithm {
            Algorithm::EdDsa => (EncodingKey::from_ed_pem(private.as_bytes()), public),
            Algorithm::Es256 => (EncodingKey::from_ec_pem(private.as_bytes()), public),
            Algorithm::Rs256 => (EncodingKey::from_rsa_pem(private.as_bytes()), public),
            Algorithm::Hs256 => {
                let secret = secret();
                (Ok(EncodingKey::from_secret(secret.as_bytes())), secret)
            }
        };
        Self {
            signs: signs.expect("the key is of the algorithm"),
            verifier: Verifier { algorithm, key },
        }
    }

    /// What verifies its tokens.
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// A token of this caller with this id, for a day.
    ///
    /// # Panics
    ///
    /// It cannot be signed.
    pub fn token(&self, subject: &str, id: &str) -> String {
        let now = Clock::system().unix_seconds();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: subject.to_owned(),
            client_id: "shop".to_owned(),
            jti: id.to_owned(),
            iat: now,
            auth_time: now,
            exp: now + 24 * 3600,
            roles: vec!["admin".to_owned()],
            scope: "orders:read orders:write".to_owned(),
        };
        let header = Header {
            typ: Some("at+jwt".to_owned()),
            ..Header::new(self.verifier.algorithm.of_jsonwebtoken())
        };
        encode(&header, &claims, &self.signs).expect("a token is signed")
    }
}

impl Verifier {
    /// With a key in PEM, or a secret.
    pub fn new(algorithm: Algorithm, key: String) -> Self {
        Self { algorithm, key }
    }

    /// How tokens are signed.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key in PEM, or the secret.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// For this crate.
    ///
    /// # Panics
    ///
    /// The key is not of the algorithm.
    pub fn issuer(&self) -> Issuer {
        let key = match self.algorithm {
            Algorithm::EdDsa => VerifyingKey::eddsa(&self.key),
            Algorithm::Es256 => VerifyingKey::ecdsa(EcdsaAlgorithm::Es256, &self.key),
            Algorithm::Hs256 => {
                let secret = SecretSlice::from(self.key.clone().into_bytes());
                VerifyingKey::hmac(HmacAlgorithm::Hs256, &secret)
            }
            Algorithm::Rs256 => VerifyingKey::rsa(RsaAlgorithm::Rs256, &self.key),
        };
        Issuer::new(ISSUER, AUDIENCE).key(key.expect("the key is of the algorithm"))
    }

    /// For `jsonwebtoken`, which checks issuer, audience and expiry, and that there is a subject.
    ///
    /// # Panics
    ///
    /// The key is not of the algorithm.
    pub fn decoding(&self) -> (DecodingKey, Validation) {
        let bytes = self.key.as_bytes();
        let key = match self.algorithm {
            Algorithm::EdDsa => DecodingKey::from_ed_pem(bytes),
            Algorithm::Es256 => DecodingKey::from_ec_pem(bytes),
            Algorithm::Hs256 => Ok(DecodingKey::from_secret(bytes)),
            Algorithm::Rs256 => DecodingKey::from_rsa_pem(bytes),
        };
        let mut validation = Validation::new(self.algorithm.of_jsonwebtoken());
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        (key.expect("the key is of the algorithm"), validation)
    }
}

/// The key is a secret for some.
impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}
