//! Every refusal: its status, its public text, its challenge.
//!
//! One [`Refusal`] is one row of the table in [`Refusal::row`]. The public text never says more
//! than the caller may know; why a request was refused goes to the log as
//! [`Rejection::reason`].

use std::{borrow::Cow, fmt};

use actix_web::{
    HttpResponse, HttpResponseBuilder, ResponseError,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
};
use serde::Serialize;

use crate::security::DEFAULT_REALM;

/// What went wrong, as one row of the table of refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// The caller authenticated too long ago for this route.
    AuthenticationTooOld,
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
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// The service lacks a part that the route's policy needs.
    NotConfigured,
    /// There is nothing at this path.
    NotFound,
    /// Too many requests.
    QuotaExceeded,
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
    status: StatusCode,
    detail: &'static str,
    challenge: Option<ErrorCode>,
    /// Name from the OWASP logging vocabulary where it has one.
    pub(crate) event: &'static str,
}

/// The `error` attribute of a Bearer challenge (RFC 6750 section 3.1, RFC 9470 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ErrorCode {
    /// A challenge without `error`: no credentials were understood.
    Absent,
    InsufficientScope,
    InsufficientUserAuthentication,
    InvalidRequest,
    InvalidToken,
}

impl Row {
    /// The public text.
    pub(crate) fn detail(&self) -> &'static str {
        self.detail
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
            Self::QuotaExceeded => row(
                StatusCode::TOO_MANY_REQUESTS,
                None,
                "excess_rate_limit_exceeded",
                "too many requests",
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

/// A refusal that is on its way to the caller.
///
/// ```
/// use secure_runtime::{Refusal, Rejection};
///
/// let rejection = Rejection::new(Refusal::Forbidden, "the order belongs to somebody else");
/// assert_eq!(rejection.refusal(), Refusal::Forbidden);
/// assert_eq!(rejection.refusal().status(), 403);
/// ```
pub struct Rejection(Box<Parts>);

struct Parts {
    refusal: Refusal,
    reason: Cow<'static, str>,
    retry_after: Option<u64>,
    /// `scope` or `max_age`: what would satisfy the route.
    wanted: Option<(&'static str, String)>,
    errors: Vec<InputError>,
    violated_policies: Vec<&'static str>,
    fields: Vec<(HeaderName, HeaderValue)>,
}

/// One thing that is wrong with a request's input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InputError {
    /// Where: `body`, `query`, `path` or `header`.
    #[serde(rename = "in")]
    pub source: &'static str,
    /// JSON pointer (RFC 6901) to the value; the empty string is the whole.
    pub pointer: String,
    /// What is wrong, without the value that was sent.
    pub detail: String,
}

impl Rejection {
    /// A refusal and the reason that the log will give.
    ///
    /// The reason must hold no secret and nothing that a client sent.
    pub fn new(refusal: Refusal, reason: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Parts {
            refusal,
            reason: reason.into(),
            retry_after: None,
            wanted: None,
            errors: Vec::new(),
            violated_policies: Vec::new(),
            fields: Vec::new(),
        }))
    }

    /// Input that was decoded and is not valid, or (with [`Refusal::BodyMalformed`]) could not be.
    pub fn with_errors(mut self, errors: Vec<InputError>) -> Self {
        self.0.errors = errors;
        self
    }

    /// When to come back, in whole seconds.
    pub(crate) fn with_retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// The `scope` that was missing, in the syntax of RFC 6749 section 3.3.
    pub(crate) fn with_scope(mut self, scope: String) -> Self {
        self.0.wanted = Some(("scope", scope));
        self
    }

    /// The greatest age of authentication that the route takes, in seconds.
    pub(crate) fn with_max_age(mut self, seconds: u64) -> Self {
        self.0.wanted = Some(("max_age", seconds.to_string()));
        self
    }

    /// Names of the quotas that were exceeded.
    pub(crate) fn with_violated_policies(mut self, names: Vec<&'static str>) -> Self {
        self.0.violated_policies = names;
        self
    }

    /// A further header field of the answer.
    pub(crate) fn with_field(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.fields.push((name, value));
        self
    }

    /// The row of the table.
    pub fn refusal(&self) -> Refusal {
        self.0.refusal
    }

    /// Why, for the log only.
    pub fn reason(&self) -> &str {
        &self.0.reason
    }

    /// What is wrong with the input, where that is the matter.
    pub fn errors(&self) -> &[InputError] {
        &self.0.errors
    }

    /// The answer, as problem details (RFC 9457).
    pub(crate) fn respond(&self, realm: &str) -> HttpResponse {
        let parts = &*self.0;
        let row = parts.refusal.row();
        let mut response = HttpResponseBuilder::new(row.status);
        response
            .insert_header((header::CONTENT_TYPE, "application/problem+json"))
            .insert_header((header::CACHE_CONTROL, "no-store"));
        if let Some(code) = row.challenge {
            response.insert_header((
                header::WWW_AUTHENTICATE,
                self.challenge(realm, code, row.detail),
            ));
        }
        if let Some(seconds) = parts.retry_after {
            response.insert_header((header::RETRY_AFTER, HeaderValue::from(seconds)));
        }
        if parts.refusal == Refusal::ContentCodingUnsupported {
            response.insert_header((header::ACCEPT_ENCODING, "identity"));
        }
        for (name, value) in &parts.fields {
            response.insert_header((name.clone(), value.clone()));
        }
        let problem = Problem {
            r#type: match parts.refusal {
                Refusal::QuotaExceeded => {
                    "https://iana.org/assignments/http-problem-types#quota-exceeded"
                }
                _ => "about:blank",
            },
            title: row.status.canonical_reason().unwrap_or("Error"),
            status: row.status.as_u16(),
            detail: row.detail,
            errors: &parts.errors,
            violated_policies: &parts.violated_policies,
        };
        // A serializer that fails leaves the status and the header fields, which say enough.
        response.body(serde_json::to_vec(&problem).unwrap_or_default())
    }

    fn challenge(&self, realm: &str, code: ErrorCode, description: &str) -> String {
        let code = match code {
            ErrorCode::Absent => return format!("Bearer realm=\"{realm}\""),
            ErrorCode::InsufficientScope => "insufficient_scope",
            ErrorCode::InsufficientUserAuthentication => "insufficient_user_authentication",
            ErrorCode::InvalidRequest => "invalid_request",
            ErrorCode::InvalidToken => "invalid_token",
        };
        let mut challenge = format!(
            "Bearer realm=\"{realm}\", error=\"{code}\", error_description=\"{description}\""
        );
        if let Some((name, value)) = &self.0.wanted {
            challenge.push_str(&format!(", {name}=\"{value}\""));
        }
        challenge
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.refusal.row().detail)
    }
}

/// A handler may refuse in the same words: `Result<impl Responder, Rejection>`.
impl ResponseError for Rejection {
    fn status_code(&self) -> StatusCode {
        self.0.refusal.status()
    }

    fn error_response(&self) -> HttpResponse {
        self.respond(DEFAULT_REALM)
    }
}

/// Only what the log may say.
impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejection")
            .field("refusal", &self.0.refusal)
            .field("reason", &self.0.reason)
            .finish_non_exhaustive()
    }
}

/// The members of a problem details object (RFC 9457 section 3) with our extensions.
#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [InputError],
    #[serde(rename = "violated-policies", skip_serializing_if = "<[_]>::is_empty")]
    violated_policies: &'a [&'static str],
}
