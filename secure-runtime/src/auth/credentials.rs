//! Credentials out of the `Authorization` field: one field, the Bearer scheme, the bytes of a
//! token and nothing else (RFC 6750 section 2.1).
//!
//! A token in the query or in a form is never looked at.

use std::fmt;

use actix_web::http::header::{AUTHORIZATION, HeaderMap};

use crate::rejection::{Refusal, Rejection};

/// The longest token that is looked at. Authorization servers stay well below it, because
/// servers and proxies commonly refuse a header section above 8 KiB.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// A token as presented: of plausible shape, and not verified.
///
/// ```
/// use secure_runtime::{Credentials, Refusal};
///
/// assert!(Credentials::from_field(b"Bearer aaaa.bbbb.cccc").is_ok());
///
/// let refused = Credentials::from_field(b"Basic dXNlcjpwYXNz").unwrap_err();
/// assert_eq!(refused.refusal(), Refusal::CredentialsMissing);
/// ```
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    token: &'a [u8],
    parts: [&'a [u8]; 3],
}

impl<'a> Credentials<'a> {
    /// The credentials of a request.
    pub fn from_headers(headers: &'a HeaderMap) -> Result<Self, Rejection> {
        Self::of_token(token(headers)?)
    }

    /// The credentials in the value of an `Authorization` field.
    pub fn from_field(value: &'a [u8]) -> Result<Self, Rejection> {
        Self::of_token(token_of(value)?)
    }

    /// The credentials that a token of any bytes is.
    pub(super) fn of_token(token: &'a [u8]) -> Result<Self, Rejection> {
        let parts =
            split(token).map_err(|reason| Rejection::new(Refusal::CredentialsInvalid, reason))?;
        Ok(Self { token, parts })
    }

    /// Header, payload and signature, as they were sent.
    pub(super) fn parts(&self) -> [&'a [u8]; 3] {
        self.parts
    }

    /// What the signature is made over: header and payload with the dot between them.
    pub(super) fn signed(&self) -> &'a [u8] {
        let [.., signature] = self.parts;
        // INVARIANT: `parts` came from splitting `token`, which ends with a dot and the signature.
        let length = self.token.len().saturating_sub(signature.len() + 1);
        self.token.get(..length).unwrap_or_default()
    }
}

/// A token is a secret.
impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// The bytes that a request sends as its token, of no particular shape yet.
pub(super) fn token(headers: &HeaderMap) -> Result<&[u8], Rejection> {
    let mut fields = headers.get_all(AUTHORIZATION);
    match (fields.next(), fields.next()) {
        (None, _) => Err(Rejection::new(
            Refusal::CredentialsMissing,
            "credentials: no `Authorization` field",
        )),
        (Some(field), None) => token_of(field.as_bytes()),
        (Some(_), Some(_)) => Err(Rejection::new(
            Refusal::CredentialsAmbiguous,
            "credentials: more than one `Authorization` field",
        )),
    }
}

fn token_of(field: &[u8]) -> Result<&[u8], Rejection> {
    let token = bearer(field).ok_or_else(|| {
        Rejection::new(
            Refusal::CredentialsMissing,
            "credentials: the scheme is not `Bearer`",
        )
    })?;
    if token.len() > MAX_TOKEN_BYTES {
        return Err(Rejection::new(
            Refusal::CredentialsInvalid,
            "token: longer than 8 KiB",
        ));
    }
    Ok(token)
}

/// What follows the scheme, if that is Bearer in any letter case.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    const SCHEME: &[u8] = b"Bearer";
    let (scheme, rest) = value.split_at_checked(SCHEME.len())?;
    // Nearly all write it so, for which it costs less.
    if scheme != SCHEME && !scheme.eq_ignore_ascii_case(SCHEME) {
        return None;
    }
    match rest.iter().position(|byte| *byte != b' ') {
        // A token that touches the scheme makes another scheme.
        Some(0) => None,
        Some(spaces) => rest.get(spaces..),
        None => Some(&[]),
    }
}

/// The three parts of a token (RFC 7515 section 7.1).
fn split(token: &[u8]) -> Result<[&[u8]; 3], &'static str> {
    // Without a way out in between, so that the compiler looks at many bytes at a time.
    let is_clean = token.iter().fold(true, |is_clean, byte| {
        is_clean & (byte.is_ascii_alphanumeric() | matches!(byte, b'-' | b'_' | b'.'))
    });
    let text = str::from_utf8(token).ok().filter(|_| is_clean);
    let text = text.ok_or("token: a byte that is neither base64url nor a dot")?;
    let mut parts = text.split('.').map(str::as_bytes);
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(header), Some(payload), Some(signature), None)
            if !header.is_empty() && !payload.is_empty() && !signature.is_empty() =>
        {
            Ok([header, payload, signature])
        }
        _ => Err("token: not three parts with something in each"),
    }
}
