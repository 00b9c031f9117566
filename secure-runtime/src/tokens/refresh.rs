//! Refresh tokens: their text, and how each follows from the one before.
//!
//! ```text
//! base64url( session 16 | generation 4 | secret 32 | tag 32 )
//! tag = HMAC-SHA256(key of this issuer, "secure-runtime refresh 1" | session | generation | secret)
//! ```
//!
//! The secret is 256 bits from the system's random generator, and the same for the whole life of a
//! session; what changes with each use is the generation, and with it the tag.
//!
//! - The store holds the SHA-256 of the secret. There is no salt, and the hash is a fast one,
//!   because there is nothing to guess about 256 random bits. Who reads the store has no token;
//!   who writes to it has none either, without the key.
//! - Who has stolen a token has the secret, and still cannot make the next token without the key.
//! - The next token is a function of this one and the key. So the answer to a retry can be given
//!   again and is never stored, and two who present one token get one successor: a family has no
//!   branches.
//! - Every token that was ever issued is recognised, so that use of an old one is told from garbage,
//!   and a session takes the same room after a year of rotations. Garbage is refused by its tag,
//!   without a look into the store.

use std::fmt;

use aws_lc_rs::{constant_time, digest, hmac, rand};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretSlice, SecretString, zeroize::Zeroizing};
use serde::{Deserialize, Deserializer};

use super::TokenError;

const SESSION_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;
const TAG_BYTES: usize = 32;
const TOKEN_BYTES: usize = SESSION_BYTES + 4 + SECRET_BYTES + TAG_BYTES;
/// 84 bytes are 112 characters.
const TOKEN_CHARS: usize = TOKEN_BYTES / 3 * 4;

const PURPOSE: &[u8] = b"secure-runtime refresh 1";

/// A refresh token as a client presents it.
///
/// It is decoded from text, in a form or a JSON body:
///
/// ```
/// use secure_runtime::tokens::RefreshToken;
///
/// #[derive(serde::Deserialize, garde::Validate)]
/// struct Refresh {
///     #[garde(skip)]
///     refresh_token: RefreshToken,
/// }
/// ```
#[derive(Clone)]
pub struct RefreshToken(SecretString);

impl RefreshToken {
    /// The text of the token, for whoever it was issued to.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<&str> for RefreshToken {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for RefreshToken {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl<'de> Deserialize<'de> for RefreshToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

/// A token is a secret.
impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(..)")
    }
}

/// What tells a session from all others: 128 random bits. It is the `sid` of access tokens.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SessionId(pub(super) [u8; SESSION_BYTES]);

impl SessionId {
    pub(super) fn random() -> Result<Self, TokenError> {
        random().map(Self)
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; SESSION_BYTES];
        // A longer text does not fit.
        let decoded = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        (decoded == SESSION_BYTES).then_some(Self(bytes))
    }
}

/// As in `sid`. It gives no access: the log may have it.
impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text for `jti`: 128 random bits.
pub(super) fn token_id() -> Result<String, TokenError> {
    random::<SESSION_BYTES>().map(|bytes| URL_SAFE_NO_PAD.encode(bytes))
}

fn random<const N: usize>() -> Result<[u8; N], TokenError> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| TokenError::Signing)?;
    Ok(bytes)
}

/// What all tokens of a session have in common, and only they.
pub(super) struct Secret(Zeroizing<[u8; SECRET_BYTES]>);

/// SHA-256 of a [`Secret`]: what the store knows of it.
#[derive(Clone, Copy)]
pub(super) struct Proof(pub(super) [u8; 32]);

impl Secret {
    pub(super) fn random() -> Result<Self, TokenError> {
        random().map(Zeroizing::new).map(Self)
    }

    pub(super) fn proof(&self) -> Proof {
        let hash = digest::digest(&digest::SHA256, &*self.0);
        let mut proof = [0; 32];
        // INVARIANT: SHA-256 puts out 32 bytes; a proof of zeros would have no secret.
        if hash.as_ref().len() == proof.len() {
            proof.copy_from_slice(hash.as_ref());
        }
        Proof(proof)
    }
}

impl Proof {
    pub(super) fn is(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof(..)")
    }
}

/// A token that this issuer has made, whatever has become of it.
pub(super) struct Presented {
    pub(super) session: SessionId,
    pub(super) generation: u32,
    pub(super) secret: Secret,
}

/// Makes refresh tokens and recognises its own.
pub(super) struct Minter(hmac::Key);

impl Minter {
    /// With a key of its own, which ends with this process as its sessions do.
    pub(super) fn random() -> Result<Self, TokenError> {
        let key = Zeroizing::new(random::<32>()?);
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &*key)))
    }

    /// With the key that several processes share.
    pub(super) fn new(key: &SecretSlice<u8>) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret()))
    }

    /// The token of a session's generation.
    pub(super) fn mint(
        &self,
        session: SessionId,
        generation: u32,
        secret: &Secret,
    ) -> RefreshToken {
        let mut bytes = Zeroizing::new(Vec::with_capacity(TOKEN_BYTES));
        bytes.extend_from_slice(&session.0);
        bytes.extend_from_slice(&generation.to_be_bytes());
        bytes.extend_from_slice(&*secret.0);
        let tag = self.tag(&bytes);
        bytes.extend_from_slice(tag.as_ref());
        RefreshToken::from(URL_SAFE_NO_PAD.encode(&*bytes))
    }

    /// What a token says, if this issuer has made it.
    pub(super) fn open(&self, token: &RefreshToken) -> Option<Presented> {
        let text = token.expose();
        if text.len() != TOKEN_CHARS {
            return None;
        }
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        let (said, tag) = bytes.split_at_checked(TOKEN_BYTES - TAG_BYTES)?;
        // In constant time.
        constant_time::verify_slices_are_equal(self.tag(said).as_ref(), tag).ok()?;
        let (session, rest) = said.split_first_chunk()?;
        let (generation, secret) = rest.split_first_chunk()?;
        Some(Presented {
            session: SessionId(*session),
            generation: u32::from_be_bytes(*generation),
            secret: Secret(Zeroizing::new(secret.try_into().ok()?)),
        })
    }

    fn tag(&self, said: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(PURPOSE);
        context.update(said);
        context.sign()
    }
}
