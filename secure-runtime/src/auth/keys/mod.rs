//! Keys that verify tokens: one key, one algorithm.
//!
//! The family of algorithms is part of how a key is made, so that a public key can never serve
//! as an HMAC secret, and the algorithm is fixed with the key: a token's `alg` only has to agree.
//! A key is parsed once, when it is made.

mod der;
mod secret;

use std::fmt;

use aws_lc_rs::{
    hmac,
    signature::{self, ParsedPublicKey, RsaParameters, VerificationAlgorithm},
};
use secrecy::{ExposeSecret, SecretSlice};

use self::der::PublicKey;

/// HMAC algorithms: whoever can verify a token can also make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HmacAlgorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
}

/// RSA algorithms, with PKCS #1 v1.5 (`RS..`) or PSS (`PS..`) padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RsaAlgorithm {
    /// PKCS #1 v1.5 with SHA-256; what most authorization servers issue.
    Rs256,
    /// PKCS #1 v1.5 with SHA-384.
    Rs384,
    /// PKCS #1 v1.5 with SHA-512.
    Rs512,
    /// PSS with SHA-256.
    Ps256,
    /// PSS with SHA-384.
    Ps384,
    /// PSS with SHA-512.
    Ps512,
}

/// ECDSA algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EcdsaAlgorithm {
    /// The curve P-256 with SHA-256.
    Es256,
    /// The curve P-384 with SHA-384.
    Es384,
}

/// Why something is not a [`VerifyingKey`]. No text of the key is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The PEM text is a certificate.
    #[error(
        "the PEM text holds a certificate: give its public key, which `openssl x509 -pubkey -noout` prints"
    )]
    Certificate,
    /// The key is damaged.
    #[error("the public key cannot be read: export it again from the authorization server")]
    Malformed,
    /// There is no PEM text, or more than one key in it.
    #[error("the text is not exactly one PEM block: give one `-----BEGIN PUBLIC KEY-----` block")]
    NotOnePem,
    /// The PEM text is a private key.
    #[error(
        "the PEM text holds a private key: give the public key, which `openssl pkey -pubout` prints, and keep the private one where tokens are issued"
    )]
    PrivateKey,
    /// The public exponent of the RSA key is small.
    #[error("the RSA key's public exponent is below 65537: make a new key")]
    RsaExponent,
    /// The RSA key is too short or too long.
    #[error("the RSA key has {bits} bits: make one of 2048 to 8192 bits")]
    RsaLength {
        /// Length of the modulus.
        bits: usize,
    },
    /// The HMAC secret is shorter than the output of the hash.
    #[error(
        "the secret has {bytes} bytes and {algorithm:?} needs {needed}: make one with `openssl rand {needed}`"
    )]
    SecretTooShort {
        /// What it was to be used for.
        algorithm: HmacAlgorithm,
        /// Its length.
        bytes: usize,
        /// The least length.
        needed: usize,
    },
    /// The HMAC secret is one that can be guessed.
    #[error("the secret can be guessed: {why}; make one with `openssl rand 64`")]
    SecretWeak {
        /// What is the matter with it.
        why: &'static str,
    },
    /// The PEM text holds a key of another kind.
    #[error(
        "the key is {found} and {expected} is needed: give the key that belongs to the algorithm"
    )]
    WrongFamily {
        /// What the algorithm needs.
        expected: &'static str,
        /// What was given.
        found: &'static str,
    },
}

/// Verifies the signatures of one issuer's tokens, with one algorithm.
///
/// ```
/// use secure_runtime::{EcdsaAlgorithm, VerifyingKey};
///
/// let key = VerifyingKey::ecdsa(
///     EcdsaAlgorithm::Es256,
///     "-----BEGIN PUBLIC KEY-----
/// MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEDbbLYoRhiWDQMGeTH8pUHoPyCnJo
/// QnHxGmF+nnh2lOdKXM9N3uW6aV4vLKXBlztQ0+fd8iW9uIedv0+n4OeEBQ==
/// -----END PUBLIC KEY-----",
/// )?
/// .with_id("2026-11");
/// # Ok::<(), secure_runtime::KeyError>(())
/// ```
#[derive(Clone)]
pub struct VerifyingKey {
    algorithm: Algorithm,
    id: Option<Box<str>>,
    verifier: Verifier,
}

#[derive(Clone)]
enum Verifier {
    Hmac(Box<hmac::Key>),
    PublicKey(ParsedPublicKey),
}

impl VerifyingKey {
    /// A secret that the issuer shares with this service.
    ///
    /// It has at least as many bytes as the hash puts out, from a random generator: a password
    /// can be found by trying, with any one token at hand.
    pub fn hmac(algorithm: HmacAlgorithm, secret: &SecretSlice<u8>) -> Result<Self, KeyError> {
        let secret = secret.expose_secret();
        secret::check(algorithm, secret)?;
        Ok(Self {
            algorithm: Algorithm::Hmac(algorithm),
            id: None,
            verifier: Verifier::Hmac(Box::new(hmac::Key::new(algorithm.primitive(), secret))),
        })
    }

    /// An RSA public key of 2048 to 8192 bits, as `PUBLIC KEY` or `RSA PUBLIC KEY` in PEM.
    pub fn rsa(algorithm: RsaAlgorithm, pem: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let expected = "an RSA key";
        let block = read_pem(pem.as_ref())?;
        let pkcs1 = match block.tag() {
            RSA_PUBLIC_KEY => block.contents(),
            _ => match read_public_key(&block)? {
                PublicKey::Rsa(pkcs1) => pkcs1,
                other => return Err(other.unlike(expected)),
            },
        };
        let (modulus, exponent) = der::rsa_numbers(pkcs1).ok_or(KeyError::Malformed)?;
        let bits = modulus.len() * 8
            - modulus
                .first()
                .map_or(0, |byte| byte.leading_zeros() as usize);
        if !(2048..=8192).contains(&bits) {
            return Err(KeyError::RsaLength { bits });
        }
        // Shorter than three bytes is below 65536, and an even exponent is refused when parsed.
        if exponent.len() < 3 {
            return Err(KeyError::RsaExponent);
        }
        Self::public(Algorithm::Rsa(algorithm), algorithm.primitive(), pkcs1)
    }

    /// A public key on the curve of the algorithm, as `PUBLIC KEY` in PEM.
    pub fn ecdsa(algorithm: EcdsaAlgorithm, pem: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let block = read_pem(pem.as_ref())?;
        let (primitive, point): (&'static dyn VerificationAlgorithm, _) =
            match (algorithm, read_public_key(&block)?) {
                (EcdsaAlgorithm::Es256, PublicKey::P256(point)) => {
                    (&signature::ECDSA_P256_SHA256_FIXED, point)
                }
                (EcdsaAlgorithm::Es384, PublicKey::P384(point)) => {
                    (&signature::ECDSA_P384_SHA384_FIXED, point)
                }
                (EcdsaAlgorithm::Es256, other) => return Err(other.unlike("a P-256 key")),
                (EcdsaAlgorithm::Es384, other) => return Err(other.unlike("a P-384 key")),
            };
        Self::public(Algorithm::Ecdsa(algorithm), primitive, point)
    }

    /// An Ed25519 public key, as `PUBLIC KEY` in PEM.
    pub fn eddsa(pem: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let block = read_pem(pem.as_ref())?;
        match read_public_key(&block)? {
            PublicKey::Ed25519(point) => Self::public(Algorithm::EdDsa, &signature::ED25519, point),
            other => Err(other.unlike("an Ed25519 key")),
        }
    }

    /// The counterpart of an Ed25519 key that this service signs with.
    pub(crate) fn of_ed25519_point(point: &[u8]) -> Result<Self, KeyError> {
        Self::public(Algorithm::EdDsa, &signature::ED25519, point)
    }

    /// The counterpart of a P-256 key that this service signs with.
    pub(crate) fn of_p256_point(point: &[u8]) -> Result<Self, KeyError> {
        let algorithm = Algorithm::Ecdsa(EcdsaAlgorithm::Es256);
        Self::public(algorithm, &signature::ECDSA_P256_SHA256_FIXED, point)
    }

    /// Names the key: a token whose `kid` is another is not verified with it.
    ///
    /// A token without `kid` is verified with an issuer's only key, whether that has a name or
    /// not. Where an issuer has several keys, each needs a name and each token a `kid`.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into().into());
        self
    }

    /// The key's name.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The `alg` of the tokens that it verifies.
    pub fn algorithm(&self) -> &'static str {
        self.algorithm.name()
    }

    /// Whether a token's `alg` is the algorithm of this key.
    pub(super) fn is_for(&self, alg: &str) -> bool {
        // RFC 9864 gives EdDSA with this curve a name of its own.
        alg == self.algorithm.name() || (self.algorithm == Algorithm::EdDsa && alg == "Ed25519")
    }

    /// Whether who verifies could also sign.
    pub(super) fn is_symmetric(&self) -> bool {
        matches!(self.algorithm, Algorithm::Hmac(_))
    }

    /// Whether `signature` was made over `message` with the counterpart of this key.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.verifier {
            // Compares the whole tag in constant time.
            Verifier::Hmac(key) => hmac::verify(key, message, signature).is_ok(),
            Verifier::PublicKey(key) => key.verify_sig(message, signature).is_ok(),
        }
    }

    fn public(
        algorithm: Algorithm,
        primitive: &'static dyn VerificationAlgorithm,
        key: &[u8],
    ) -> Result<Self, KeyError> {
        Ok(Self {
            algorithm,
            id: None,
            verifier: Verifier::PublicKey(
                ParsedPublicKey::new(primitive, key).map_err(|_| KeyError::Malformed)?,
            ),
        })
    }
}

/// Nothing of the key itself.
impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("algorithm", &self.algorithm())
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Ecdsa(EcdsaAlgorithm),
    EdDsa,
    Hmac(HmacAlgorithm),
    Rsa(RsaAlgorithm),
}

impl Algorithm {
    fn name(self) -> &'static str {
        match self {
            Self::Ecdsa(EcdsaAlgorithm::Es256) => "ES256",
            Self::Ecdsa(EcdsaAlgorithm::Es384) => "ES384",
            Self::EdDsa => "EdDSA",
            Self::Hmac(HmacAlgorithm::Hs256) => "HS256",
            Self::Hmac(HmacAlgorithm::Hs384) => "HS384",
            Self::Hmac(HmacAlgorithm::Hs512) => "HS512",
            Self::Rsa(RsaAlgorithm::Rs256) => "RS256",
            Self::Rsa(RsaAlgorithm::Rs384) => "RS384",
            Self::Rsa(RsaAlgorithm::Rs512) => "RS512",
            Self::Rsa(RsaAlgorithm::Ps256) => "PS256",
            Self::Rsa(RsaAlgorithm::Ps384) => "PS384",
            Self::Rsa(RsaAlgorithm::Ps512) => "PS512",
        }
    }
}

impl HmacAlgorithm {
    /// Bytes that the hash puts out.
    fn output(self) -> usize {
        match self {
            Self::Hs256 => 32,
            Self::Hs384 => 48,
            Self::Hs512 => 64,
        }
    }

    fn primitive(self) -> hmac::Algorithm {
        match self {
            Self::Hs256 => hmac::HMAC_SHA256,
            Self::Hs384 => hmac::HMAC_SHA384,
            Self::Hs512 => hmac::HMAC_SHA512,
        }
    }
}

impl RsaAlgorithm {
    fn primitive(self) -> &'static RsaParameters {
        match self {
            Self::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Self::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Self::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
            Self::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
            Self::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
            Self::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
        }
    }
}

impl PublicKey<'_> {
    /// The error of a key that is not of the kind that was expected.
    fn unlike(&self, expected: &'static str) -> KeyError {
        KeyError::WrongFamily {
            expected,
            found: match self {
                Self::Ed25519(_) => "an Ed25519 key",
                Self::Other => "a key of a kind that is not supported",
                Self::P256(_) => "a P-256 key",
                Self::P384(_) => "a P-384 key",
                Self::Rsa(_) => "an RSA key",
            },
        }
    }
}

const RSA_PUBLIC_KEY: &str = "RSA PUBLIC KEY";

/// The only PEM block in a text, which is a public key.
fn read_pem(text: &[u8]) -> Result<pem::Pem, KeyError> {
    let mut blocks = pem::parse_many(text).map_err(|_| KeyError::NotOnePem)?;
    match (blocks.pop(), blocks.pop()) {
        (Some(block), None) => match block.tag() {
            "PUBLIC KEY" | RSA_PUBLIC_KEY => Ok(block),
            "CERTIFICATE" => Err(KeyError::Certificate),
            tag if tag.ends_with("PRIVATE KEY") => Err(KeyError::PrivateKey),
            _ => Err(KeyError::NotOnePem),
        },
        _ => Err(KeyError::NotOnePem),
    }
}

fn read_public_key(block: &pem::Pem) -> Result<PublicKey<'_>, KeyError> {
    match block.tag() {
        RSA_PUBLIC_KEY => Ok(PublicKey::Rsa(block.contents())),
        _ => der::public_key(block.contents()).ok_or(KeyError::Malformed),
    }
}
