//! Why there are no tokens.

use crate::{
    rejection::{Refusal, Rejection},
    revocation::RevocationError,
};

/// Why a [`TokenIssuer`](super::TokenIssuer) did not do what it was asked for.
///
/// A handler may return it as a [`Rejection`]. What is wrong with a refresh token is 400 with one
/// text, whatever it is; the log says which.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The session was not refreshed for too long, or was opened too long ago.
    #[error("the session has expired")]
    Expired,
    /// The caller's token is not one of this issuer.
    #[error("the caller's token was issued by somebody else")]
    Foreign,
    /// There is no room for another session.
    #[error(
        "{max_sessions} sessions are held and none has expired: raise `token_issuer.max_sessions`"
    )]
    Full {
        /// As configured.
        max_sessions: usize,
    },
    /// The refresh token is none of this issuer, or its session has ended.
    #[error("the refresh token is not known")]
    Invalid,
    /// The refresh token was used before. Its session has ended with this.
    #[error("the refresh token was used twice")]
    Reused,
    /// The session was revoked.
    #[error("the session was revoked")]
    Revoked,
    /// What was ended here could not be revoked: access tokens may be good until they expire.
    #[error("revocation: {0}")]
    Revocation(#[from] RevocationError),
    /// The cryptographic library failed.
    #[error("no signature or random number could be made")]
    Signing,
    /// The subject cannot be written into a token.
    #[error("the subject of a token: {0}")]
    Subject(&'static str),
    /// Whether the session was revoked cannot be found out at the moment.
    #[error("whether the session was revoked cannot be found out")]
    Undecided,
}

/// When a client may try again what failed for reasons of ours, in seconds.
const RETRY_AFTER: u64 = 2;

impl From<TokenError> for Rejection {
    fn from(error: TokenError) -> Self {
        let refusal = match &error {
            TokenError::Expired
            | TokenError::Invalid
            | TokenError::Reused
            | TokenError::Revoked => Refusal::RefreshTokenInvalid,
            TokenError::Foreign => Refusal::Forbidden,
            TokenError::Full { .. }
            | TokenError::Revocation(_)
            | TokenError::Signing
            | TokenError::Undecided => Refusal::Undecided,
            // The application gave it, not the client.
            TokenError::Subject(_) => Refusal::NotConfigured,
        };
        let rejection = Self::new(refusal, format!("token: {error}"));
        match refusal {
            Refusal::Undecided => rejection.with_retry_after(RETRY_AFTER),
            _ => rejection,
        }
    }
}
