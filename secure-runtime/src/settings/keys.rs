//! Who issues the tokens, and the keys that verify them.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    str::FromStr,
};

use base64::{
    Engine,
    alphabet::STANDARD as ALPHABET,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use secrecy::{ExposeSecret, SecretSlice, SecretString, zeroize::Zeroizing};

use crate::error::Mistake;

/// An issuer of access tokens that this service trusts: `[[issuers]]`.
///
/// ```
/// use secure_runtime::settings::{Algorithm, IssuerSettings, KeySettings, KeySource};
///
/// let issuer = IssuerSettings::new("https://id.example.com", "https://api.example.com").key(
///     KeySettings::new(
///         Algorithm::EdDsa,
///         KeySource::PublicKeyFile("keys/id.pem".into()),
///     ),
/// );
/// assert_eq!(issuer.keys.len(), 1);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IssuerSettings {
    /// What the token's `iss` must be, byte for byte.
    pub issuer: String,
    /// What the token's `aud` must contain: the name of this service.
    pub audience: String,
    /// Claims that list the caller's roles; a dot goes into an object. Default: `roles`.
    pub roles: Vec<String>,
    /// Claims that list the token's scopes. Default: `scope` and
    /// `scp`.
    pub scopes: Vec<String>,
    /// The claim that names the client that the token was issued to. Default: `client_id`.
    pub client_id: String,
    /// The claim that is the token's own identifier. Default: `jti`.
    pub token_id: String,
    /// Takes tokens whose `typ` is `JWT` or absent, for issuers that do not send `at+jwt`.
    ///
    /// RFC 9068 has resource servers refuse these, because an ID token looks the same.
    pub accept_generic_typ: bool,
    /// The keys that verify this issuer's tokens.
    pub keys: Vec<KeySettings>,
}

impl IssuerSettings {
    /// An issuer with the claims of RFC 9068 and no key yet.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            audience: audience.into(),
            roles: vec!["roles".to_owned()],
            scopes: vec!["scope".to_owned(), "scp".to_owned()],
            client_id: "client_id".to_owned(),
            token_id: "jti".to_owned(),
            accept_generic_typ: false,
            keys: Vec::new(),
        }
    }

    /// The same issuer with one more key.
    pub fn key(mut self, key: KeySettings) -> Self {
        self.keys.push(key);
        self
    }
}

/// A key that verifies tokens: `[[issuers.keys]]`. One key, one algorithm.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeySettings {
    /// The token's `kid`; needed where an issuer has several keys.
    pub id: Option<String>,
    /// The only algorithm that this key is used with.
    pub algorithm: Algorithm,
    /// Where the key is.
    pub source: KeySource,
}

impl KeySettings {
    /// A key without an id.
    pub fn new(algorithm: Algorithm, source: KeySource) -> Self {
        Self {
            id: None,
            algorithm,
            source,
        }
    }

    /// The same key with an id.
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Reads the key from where it is.
    ///
    /// On a mistake, [`Mistake::key`] is relative to this key's own table.
    pub fn load(&self) -> Result<KeyMaterial, Mistake> {
        self.source.load()
    }

    #[cfg(test)]
    pub(super) fn load_with(
        &self,
        variable: &dyn Fn(&str) -> Option<SecretString>,
    ) -> Result<KeyMaterial, Mistake> {
        self.source.load_with(variable)
    }
}

/// Where a key is.
///
/// A secret is text in base64 wherever it stands, so that white space at its ends means nothing:
/// `openssl rand -base64 32` writes one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum KeySource {
    /// `public_key`: the PEM itself.
    PublicKey(String),
    /// `public_key_file`: path of a PEM file.
    PublicKeyFile(PathBuf),
    /// `secret_base64`, decoded.
    Secret(SecretSlice<u8>),
    /// `secret_env`: name of the environment variable that holds the secret in base64.
    SecretEnv(String),
    /// `secret_file`: path of a file that holds the secret in base64.
    SecretFile(PathBuf),
}

impl KeySource {
    pub(super) fn is_secret(&self) -> bool {
        match self {
            Self::PublicKey(_) | Self::PublicKeyFile(_) => false,
            Self::Secret(_) | Self::SecretEnv(_) | Self::SecretFile(_) => true,
        }
    }

    /// Reads the key from where it is.
    pub(super) fn load(&self) -> Result<KeyMaterial, Mistake> {
        self.load_with(&|name| std::env::var(name).ok().map(SecretString::from))
    }

    fn load_with(
        &self,
        variable: &dyn Fn(&str) -> Option<SecretString>,
    ) -> Result<KeyMaterial, Mistake> {
        match self {
            Self::PublicKey(pem) => Ok(KeyMaterial::PublicKey(pem.clone().into_bytes())),
            Self::PublicKeyFile(path) => {
                let pem = read(path).map_err(|problem| Mistake::new("public_key_file", problem))?;
                Ok(KeyMaterial::PublicKey(pem))
            }
            Self::Secret(secret) => Ok(KeyMaterial::Secret(secret.clone())),
            Self::SecretEnv(name) => variable(name)
                .ok_or("the environment variable of this name is not set")
                .and_then(|text| secret(text.expose_secret()))
                .map(KeyMaterial::Secret)
                .map_err(|problem| Mistake::new("secret_env", problem)),
            Self::SecretFile(path) => {
                warn_if_open_to_others("secret_file", path);
                read(path)
                    .map(Zeroizing::new)
                    .and_then(|bytes| {
                        let text = std::str::from_utf8(&bytes).map_err(|_| BASE64)?;
                        Ok(secret(text)?)
                    })
                    .map(KeyMaterial::Secret)
                    .map_err(|problem| Mistake::new("secret_file", problem))
            }
        }
    }
}

/// A key that was read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum KeyMaterial {
    /// A public key in PEM.
    PublicKey(Vec<u8>),
    /// A shared secret; its strength is not checked yet.
    Secret(SecretSlice<u8>),
}

/// How a token is signed (RFC 7518, RFC 8037).
///
/// ```
/// use secure_runtime::settings::Algorithm;
///
/// assert_eq!("EdDSA".parse(), Ok(Algorithm::EdDsa));
/// assert!("none".parse::<Algorithm>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// Ed25519; what we recommend.
    EdDsa,
    /// ECDSA with P-256.
    Es256,
    /// ECDSA with P-384.
    Es384,
    /// HMAC with SHA-256: whoever can verify a token can also make one.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// RSASSA-PKCS1-v1_5 with SHA-256, as RFC 9068 requires of every issuer.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
}

impl Algorithm {
    /// Every algorithm there is.
    pub const ALL: &[Self] = &[
        Self::EdDsa,
        Self::Es256,
        Self::Es384,
        Self::Hs256,
        Self::Hs384,
        Self::Hs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
    ];

    /// The name in a token's `alg`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
        }
    }

    /// Whether the key is a secret that issuer and service share.
    pub const fn is_symmetric(self) -> bool {
        matches!(self, Self::Hs256 | Self::Hs384 | Self::Hs512)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no algorithm that is supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "write one of `EdDSA`, `ES256`, `ES384`, `PS256`, `PS384`, `PS512`, `RS256`, `RS384`, `RS512`, \
     `HS256`, `HS384`, `HS512`"
)]
#[non_exhaustive]
pub struct UnknownAlgorithm;

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|algorithm| algorithm.name() == name)
            .ok_or(UnknownAlgorithm)
    }
}

const BASE64: &str = "write base64, as `openssl rand -base64 32` prints it";

/// The standard alphabet, with padding or without.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes a secret.
pub(super) fn secret(text: &str) -> Result<SecretSlice<u8>, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Err("the secret is empty");
    }
    // The decoder's error quotes a byte of the secret.
    let bytes = ENGINE.decode(text).map_err(|_| BASE64)?;
    Ok(bytes.into())
}

/// Reads the file at `path`, which errors do not name: a key that was pasted in its place would
/// be printed.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, String> {
    if looks_like_pem(path) {
        return Err("write the path of a PEM file, not what is in it".to_owned());
    }
    fs::read(path).map_err(|error| format!("the file of this name cannot be read: {error}"))
}

pub(super) fn looks_like_pem(path: &Path) -> bool {
    path.to_string_lossy().contains("-----")
}

/// Logs a warning where any user of the machine can read the secret at `path`.
pub(crate) fn warn_if_open_to_others(key: &'static str, path: &Path) {
    if is_open_to_others(path) {
        tracing::warn!(
            key,
            "every user of this machine can read the file; run `chmod o-rwx` on it"
        );
    }
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;

    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o007 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> bool {
    false
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn a_file_that_all_can_read_is_noticed() {
        let path = std::env::temp_dir().join(format!("secure-mode-{}", std::process::id()));
        fs::write(&path, "").unwrap();
        for (mode, open) in [(0o600, false), (0o640, false), (0o644, true), (0o604, true)] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert_eq!(is_open_to_others(&path), open, "{mode:o}");
        }
        fs::remove_file(&path).unwrap();
        assert!(!is_open_to_others(&path));
    }
}
