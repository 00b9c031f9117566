//! The table of refusals: one row each.

use std::sync::OnceLock;

use actix_web::http::StatusCode;

use super::challenge::ErrorCode;

/// What went wrong, as one row of the table of refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// The caller authenticated too long ago for this route.
    AuthenticationTooOld,
    /// The client's address is banned for a time.
    Banned,
    /// The body cannot be decoded.
    BodyMalformed,
    /// The body had not arrived in time.
    BodyTimeout,
    /// The body is larger than the route reads.
    BodyTooLarge,
    /// The body is compressed.
    ContentCodingUnsupported,
    /// The body is not of a media type that the route reads.
    ContentTypeUnsupported,
    /// Credentials were sent in more than one way.
    CredentialsAmbiguous,
    /// The token is malformed, expired, or not to be trusted.
    CredentialsInvalid,
    /// No credentials, or of a scheme that is not supported.
    CredentialsMissing,
    /// The token was revoked. The answer is that to a token which is not valid.
    CredentialsRevoked,
    /// The caller has not authenticated in a way that this route asks for.
    FactorMissing,
    /// The route's rule denies this caller this thing.
    Forbidden,
    /// The path, the query or a header cannot be decoded.
    HeadMalformed,
    /// The header fields are too many, or too long.
    HeadTooLarge,
    /// As [`Forbidden`](Self::Forbidden), where the caller must not learn that the thing exists.
    Hidden,
    /// The request came without TLS.
    HttpsRequired,
    /// The input was decoded and is not valid.
    InputInvalid,
    /// The password was wrong, or nothing was checked: which of them is nobody's business.
    LoginFailed,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// The service lacks a part that the route's policy needs.
    NotConfigured,
    /// There is nothing at this path.
    NotFound,
    /// Too many requests in progress: on the connection, of the route, in the process, or of a kind
    /// that takes long.
    Overloaded,
    /// Too many requests.
    QuotaExceeded,
    /// The refresh token is unknown, spent, expired or revoked.
    RefreshTokenInvalid,
    /// The caller lacks a role.
    RoleMissing,
    /// The caller's token lacks a scope.
    ScopeMissing,
    /// Whether to allow the request could not be decided.
    Undecided,
    /// The request reached a handler that no policy guards.
    Unguarded,
}

/// One row of the table: all that a caller learns, and the name of the event in the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(super) status: StatusCode,
    /// The public text.
    pub(crate) detail: &'static str,
    pub(super) challenge: Option<ErrorCode>,
    /// Name from the OWASP logging vocabulary where it has one.
    pub(crate) event: &'static str,
}

/// Something for each row, made when it is wanted first.
#[derive(Debug)]
pub(super) struct PerRow<T>([OnceLock<T>; PerRow::<()>::ROWS]);

impl PerRow<()> {
    /// That of the last is the greatest number.
    const ROWS: usize = Refusal::Unguarded as usize + 1;
}

impl<T> PerRow<T> {
    pub(super) const fn new() -> Self {
        Self([const { OnceLock::new() }; PerRow::<()>::ROWS])
    }

    #[expect(clippy::indexing_slicing, reason = "there is a place for each row")]
    pub(super) fn get(&self, refusal: Refusal, make: impl FnOnce() -> T) -> &T {
        self.0[refusal as usize].get_or_init(make)
    }
}

impl Refusal {
    /// The status code of the answer.
    pub fn status(self) -> StatusCode {
        self.row().status
    }

    pub(crate) const fn row(self) -> Row {
        use ErrorCode::*;
        const fn row(
            status: StatusCode,
            challenge: Option<ErrorCode>,
            event: &'static str,
            detail: &'static str,
        ) -> Row {
            Row {
                status,
                detail,
                challenge,
                event,
            }
        }
        // A detail is also the challenge's `error_description`: no `"` and no `\` (RFC 6750).
        match self {
            Self::AuthenticationTooOld => row(
                StatusCode::UNAUTHORIZED,
                Some(InsufficientUserAuthentication),
                "authn_reauthentication_required",
                "a more recent authentication is required",
            ),
            Self::Banned => row(
                StatusCode::TOO_MANY_REQUESTS,
                None,
                "client_ban_enforced",
                "requests from your address are refused for a time",
            ),
            Self::BodyMalformed => row(
                StatusCode::BAD_REQUEST,
                None,
                "input_validation_fail",
                "the body cannot be decoded",
            ),
            Self::BodyTimeout => row(
                StatusCode::REQUEST_TIMEOUT,
                None,
                "input_timeout",
                "the body did not arrive in time",
            ),
            Self::BodyTooLarge => row(
                StatusCode::PAYLOAD_TOO_LARGE,
                None,
                "input_too_large",
                "the body is too large",
            ),
            Self::ContentCodingUnsupported => row(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                None,
                "input_validation_fail",
                "the body must be sent without content coding",
            ),
            Self::ContentTypeUnsupported => row(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                None,
                "input_validation_fail",
                "the content type of the body is not supported here",
            ),
            Self::CredentialsAmbiguous => row(
                StatusCode::BAD_REQUEST,
                Some(InvalidRequest),
                "authn_token_invalid",
                "credentials were sent more than once",
            ),
            Self::CredentialsInvalid => row(
                StatusCode::UNAUTHORIZED,
                Some(InvalidToken),
                "authn_token_invalid",
                "the access token is not valid",
            ),
            Self::CredentialsMissing => row(
                StatusCode::UNAUTHORIZED,
                Some(Absent),
                "authn_token_missing",
                "an access token is required",
            ),
            // The same answer as `CredentialsInvalid`: who stole a token need not learn what was
            // noticed.
            Self::CredentialsRevoked => row(
                StatusCode::UNAUTHORIZED,
                Some(InvalidToken),
                "authn_token_reuse",
                "the access token is not valid",
            ),
            Self::FactorMissing => row(
                StatusCode::UNAUTHORIZED,
                Some(InsufficientUserAuthentication),
                "authn_factor_required",
                "a further factor of authentication is required",
            ),
            Self::Forbidden => row(
                StatusCode::FORBIDDEN,
                None,
                "authz_fail",
                "you may not do this",
            ),
            Self::HeadMalformed => row(
                StatusCode::BAD_REQUEST,
                None,
                "input_validation_fail",
                "the path, the query or a header cannot be decoded",
            ),
            Self::HeadTooLarge => row(
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                None,
                "input_too_large",
                "the header fields are too many, or too long",
            ),
            // The same answer as `NotFound`, or it would hide nothing.
            Self::Hidden => row(
                StatusCode::NOT_FOUND,
                None,
                "authz_fail",
                "there is nothing here",
            ),
            Self::HttpsRequired => row(
                StatusCode::FORBIDDEN,
                None,
                "transport_insecure",
                "this service answers over HTTPS only",
            ),
            Self::InputInvalid => row(
                StatusCode::UNPROCESSABLE_ENTITY,
                None,
                "input_validation_fail",
                "the input is not valid",
            ),
            // One answer to all: a wrong password, no such account, locked, delayed, disabled.
            Self::LoginFailed => row(
                StatusCode::UNAUTHORIZED,
                Some(Absent),
                "authn_login_fail",
                "the login failed; after too many failures it can be locked for a while",
            ),
            Self::MethodNotAllowed => row(
                StatusCode::METHOD_NOT_ALLOWED,
                None,
                "input_validation_fail",
                "the method is not allowed here",
            ),
            Self::NotConfigured => row(
                StatusCode::INTERNAL_SERVER_ERROR,
                None,
                "sys_not_configured",
                "the service is not configured",
            ),
            Self::NotFound => row(
                StatusCode::NOT_FOUND,
                None,
                "input_validation_fail",
                "there is nothing here",
            ),
            Self::Overloaded => row(
                StatusCode::SERVICE_UNAVAILABLE,
                None,
                "excess_concurrency",
                "too many requests at a time",
            ),
            Self::QuotaExceeded => row(
                StatusCode::TOO_MANY_REQUESTS,
                None,
                "excess_rate_limit_exceeded",
                "too many requests",
            ),
            // One answer for all of them: who stole a token need not learn what was noticed. The
            // status is that of `invalid_grant` (RFC 6749 section 5.2).
            Self::RefreshTokenInvalid => row(
                StatusCode::BAD_REQUEST,
                None,
                "authn_token_invalid",
                "the refresh token is not valid",
            ),
            Self::RoleMissing => row(
                StatusCode::FORBIDDEN,
                None,
                "authz_fail",
                "you may not do this",
            ),
            Self::ScopeMissing => row(
                StatusCode::FORBIDDEN,
                Some(InsufficientScope),
                "authz_fail",
                "the access token does not permit this",
            ),
            Self::Undecided => row(
                StatusCode::SERVICE_UNAVAILABLE,
                None,
                "sys_undecided",
                "the service cannot decide at the moment",
            ),
            Self::Unguarded => row(
                StatusCode::INTERNAL_SERVER_ERROR,
                None,
                "sys_unguarded",
                "the service is not configured",
            ),
        }
    }
}
