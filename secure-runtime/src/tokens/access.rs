//! The claims of the access tokens that this service issues (RFC 9068 section 2.2).

use serde::Serialize;

use super::session::Session;

/// In the order in which they are written.
#[derive(Serialize)]
pub(super) struct AccessClaims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    client_id: &'a str,
    exp: u64,
    /// With milliseconds: a token of just after a cut-off is told from one of just before, though
    /// both were issued in the same second.
    iat: f64,
    jti: String,
    auth_time: u64,
    sid: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    amr: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    roles: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
}

/// What is not of the session.
pub(super) struct Issuance<'a> {
    pub(super) issuer: &'a str,
    pub(super) audience: &'a str,
    pub(super) session_id: &'a str,
    pub(super) token_id: String,
    pub(super) scope: &'a str,
    /// Milliseconds.
    pub(super) issued_at: u64,
    /// Seconds.
    pub(super) expires_at: u64,
}

impl<'a> AccessClaims<'a> {
    pub(super) fn new(session: &'a Session, issuance: Issuance<'a>) -> Self {
        let subject = &session.subject;
        Self {
            iss: issuance.issuer,
            aud: issuance.audience,
            sub: &subject.name,
            client_id: &subject.client_id,
            exp: issuance.expires_at,
            // The nearest double is written with the shortest text that reads as it: three digits.
            iat: issuance.issued_at as f64 / 1000.0,
            jti: issuance.token_id,
            auth_time: session.auth_time,
            sid: issuance.session_id,
            amr: &subject.methods,
            roles: &subject.roles,
            scope: issuance.scope,
        }
    }
}
