//! What a client is given.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::RefreshToken;

/// An access token and the refresh token that comes with it.
///
/// Serialized it is a token response (RFC 6749 section 5.1): `web::Json(tokens)` is what a handler
/// answers with.
#[derive(Clone)]
pub struct IssuedTokens {
    pub(super) access_token: SecretString,
    pub(super) expires_in: u64,
    pub(super) refresh_token: RefreshToken,
    pub(super) scope: String,
    pub(super) session_id: String,
}

impl IssuedTokens {
    /// The access token, for the `Authorization` field after `Bearer`.
    pub fn access_token(&self) -> &str {
        self.access_token.expose_secret()
    }

    /// The refresh token, for [`TokenIssuer::refresh`](super::TokenIssuer::refresh), once.
    pub fn refresh_token(&self) -> &RefreshToken {
        &self.refresh_token
    }

    /// For how long the access token is good, in seconds.
    pub fn expires_in(&self) -> u64 {
        self.expires_in
    }

    /// How the access token is sent.
    pub fn token_type(&self) -> &'static str {
        "Bearer"
    }

    /// The scopes of the access token, with spaces between them; empty without any.
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// The session that the tokens belong to (`sid`).
    pub fn session_id(&self) -> &str {
        &self.session_id
    }
}

impl Serialize for IssuedTokens {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("access_token", self.access_token())?;
        members.serialize_entry("token_type", self.token_type())?;
        members.serialize_entry("expires_in", &self.expires_in)?;
        members.serialize_entry("refresh_token", self.refresh_token.expose())?;
        if !self.scope.is_empty() {
            members.serialize_entry("scope", &self.scope)?;
        }
        members.end()
    }
}

/// Tokens are secrets.
impl fmt::Debug for IssuedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedTokens")
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}
