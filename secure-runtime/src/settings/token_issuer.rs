//! The tokens that this service issues itself, and the clients that may ask about them.

use std::{
    fmt, fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Duration,
};

use secrecy::{ExposeSecret, SecretSlice, SecretString, zeroize::Zeroizing};

use super::keys::{
    Algorithm, KeyMaterial, KeySettings, KeySource, looks_like_pem, warn_if_open_to_others,
};
use crate::{
    auth::{HmacAlgorithm, VerifyingKey},
    error::{Mistake, Mistakes},
};

/// `[token_issuer]`: the tokens that this service issues itself.
///
/// ```
/// use secure_runtime::settings::{PrivateKeySource, SigningKeySettings, TokenIssuerSettings};
///
/// let issuer = TokenIssuerSettings::new("https://shop.example", "https://shop.example").key(
///     SigningKeySettings::new("2026-11", PrivateKeySource::File("keys/2026-11.pem".into())),
/// );
/// assert_eq!(issuer.access_lifetime.as_secs(), 600);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TokenIssuerSettings {
    /// The `iss` of its tokens: a URL of this service.
    pub issuer: String,
    /// The `aud` of its tokens. Guarded routes of this service take them for it.
    pub audience: String,
    /// Every key whose tokens are good. All are published.
    pub keys: Vec<SigningKeySettings>,
    /// The id of the key that signs. Default: the only one.
    pub signing_key: Option<String>,
    /// The secret that refresh tokens are made with: at least 32 random bytes, the same for all
    /// processes that share `[redis]`, where it is required. Whoever changes it ends every session.
    /// Default: one of this process alone, made at start.
    pub refresh_secret: Option<KeySource>,
    /// For how long an access token is good. Default: 10 min, from 5 min to 15 min: what was
    /// stolen is soon of no use, and few requests are spent on new ones.
    pub access_lifetime: Duration,
    /// A session that was not refreshed for this long has ended. Default: 14 days.
    ///
    /// NIST SP 800-63B-4 wants one hour at AAL2, and OWASP something that fits the application.
    pub idle_lifetime: Duration,
    /// A session ends this long after it was opened, however much it was used. Default: 30 days;
    /// at most 366. NIST SP 800-63B-4 wants 24 hours at AAL2.
    pub absolute_lifetime: Duration,
    /// For how long a refresh token that was just spent is taken for a retry of the same request,
    /// whose answer was lost. Default: 10 s, at most 1 min; zero takes none.
    pub retry_grace: Duration,
    /// Most sessions that are held; beyond that none can be opened. Default: 1,000,000.
    pub max_sessions: NonZeroUsize,
    /// Most sessions of one subject; one more ends the one that was unused for longest.
    /// Default: 20, at most 1,000.
    pub max_sessions_per_subject: NonZeroUsize,
}

impl TokenIssuerSettings {
    /// An issuer without a key.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        const DAY: u64 = 24 * 60 * 60;
        Self {
            issuer: issuer.into(),
            audience: audience.into(),
            keys: Vec::new(),
            signing_key: None,
            refresh_secret: None,
            access_lifetime: Duration::from_secs(10 * 60),
            idle_lifetime: Duration::from_secs(14 * DAY),
            absolute_lifetime: Duration::from_secs(30 * DAY),
            retry_grace: Duration::from_secs(10),
            max_sessions: crate::tokens::DEFAULT_MAX_SESSIONS,
            max_sessions_per_subject: crate::tokens::DEFAULT_MAX_SESSIONS_PER_SUBJECT,
        }
    }

    /// The same issuer with one more key.
    pub fn key(mut self, key: SigningKeySettings) -> Self {
        self.keys.push(key);
        self
    }

    /// The secret of refresh tokens, if one is given; strong enough.
    pub(crate) fn load_refresh_secret(&self) -> Result<Option<SecretSlice<u8>>, Mistakes> {
        let Some(source) = self.refresh_secret.clone() else {
            return Ok(None);
        };
        let at = match source {
            KeySource::Secret(_) => "token_issuer.refresh_secret",
            _ => "token_issuer.refresh_secret_file",
        };
        let wrong = |problem: String| Mistakes::from(Mistake::new(at, problem));
        let key = KeySettings::new(Algorithm::Hs256, source);
        match key
            .load()
            .map_err(|mistake| wrong(mistake.problem().to_owned()))?
        {
            KeyMaterial::Secret(secret) => {
                VerifyingKey::hmac(HmacAlgorithm::Hs256, &secret)
                    .map_err(|error| wrong(error.to_string()))?;
                Ok(Some(secret))
            }
            KeyMaterial::PublicKey(_) => Err(wrong("this is public".to_owned())),
        }
    }

    /// The key that signs: the one that is named, or the only one.
    pub(crate) fn current_key(&self) -> Option<usize> {
        match (&self.signing_key, self.keys.as_slice()) {
            (Some(id), keys) => keys.iter().position(|key| key.id == *id),
            (None, [_]) => Some(0),
            (None, _) => None,
        }
    }
}

/// A key that signs tokens: `[[token_issuer.keys]]`.
///
/// A new key is listed first, so that all who verify learn of it, and made the
/// [`signing_key`](TokenIssuerSettings::signing_key) later; an old one is removed when the last
/// token that it signed has expired.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SigningKeySettings {
    /// The `kid` of its tokens.
    pub id: String,
    /// How it signs. Default: EdDSA.
    pub algorithm: SigningAlgorithm,
    /// Where the key is.
    pub source: PrivateKeySource,
}

impl SigningKeySettings {
    /// An Ed25519 key.
    pub fn new(id: impl Into<String>, source: PrivateKeySource) -> Self {
        Self {
            id: id.into(),
            algorithm: SigningAlgorithm::EdDsa,
            source,
        }
    }

    /// The same with another algorithm.
    pub fn algorithm(mut self, algorithm: SigningAlgorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// The PEM text. On a mistake, [`Mistake::key`] is relative to this key's own table.
    pub(crate) fn load(&self) -> Result<Zeroizing<Vec<u8>>, Mistake> {
        match &self.source {
            PrivateKeySource::Pem(pem) => {
                Ok(Zeroizing::new(pem.expose_secret().as_bytes().to_vec()))
            }
            PrivateKeySource::File(path) => {
                warn_if_open_to_others("private_key_file", path);
                read_private(path).map_err(|problem| Mistake::new("private_key_file", problem))
            }
        }
    }
}

fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    if looks_like_pem(path) {
        return Err("write the path of a PEM file, not what is in it".to_owned());
    }
    fs::read(path)
        .map(Zeroizing::new)
        .map_err(|error| format!("the file of this name cannot be read: {error}"))
}

/// Where a private key is: PKCS#8 in PEM, not encrypted.
/// `openssl genpkey -algorithm ed25519 -out FILE` writes one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PrivateKeySource {
    /// `private_key_file`: path of a PEM file.
    File(PathBuf),
    /// `private_key`: the PEM itself.
    Pem(SecretString),
}

/// How tokens are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SigningAlgorithm {
    /// Ed25519: deterministic, so no weak random number gives the key away.
    #[default]
    EdDsa,
    /// ECDSA with P-256, for verifiers that know nothing newer.
    Es256,
}

impl SigningAlgorithm {
    /// The name in a token's `alg`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::EdDsa, Self::Es256]
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
    }
}

/// A client that may call the endpoints of the token issuer: `[[clients]]`.
///
/// Make a secret with `openssl rand -base64 32`, give it to the client, and write its SHA-256 here
/// as `printf %s "$SECRET" | sha256sum` prints it. There is nothing to guess about 32 random bytes,
/// so the hash needs neither salt nor time; and no secret below 32 characters is taken, so that
/// nobody makes a password of it.
#[derive(Clone)]
#[non_exhaustive]
pub struct ClientSettings {
    /// Its `client_id`.
    pub id: String,
    /// SHA-256 of its secret in hexadecimal; two of them while the secret is replaced.
    pub secret_sha256: Vec<String>,
    /// Whether it may ask what a token says (RFC 7662). Default: no. It may always revoke the
    /// tokens that it was issued (RFC 7009).
    pub introspect: bool,
}

impl ClientSettings {
    /// A client with one secret.
    pub fn new(id: impl Into<String>, secret_sha256: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            secret_sha256: vec![secret_sha256.into()],
            introspect: false,
        }
    }

    /// The same client, which may introspect tokens.
    pub fn may_introspect(mut self) -> Self {
        self.introspect = true;
        self
    }
}

/// Not even the hash.
impl fmt::Debug for ClientSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSettings")
            .field("id", &self.id)
            .field("introspect", &self.introspect)
            .finish_non_exhaustive()
    }
}
