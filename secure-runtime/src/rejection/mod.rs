//! Every refusal: its status, its public text, its challenge.
//!
//! One [`Refusal`] is one row of the table in [`Refusal::row`]. The public text never says more
//! than the caller may know; why a request was refused goes to the log as
//! [`Rejection::reason`].

mod challenge;
mod problem;
mod table;

use std::{borrow::Cow, fmt};

use actix_web::{
    HttpResponse, ResponseError,
    body::BoxBody,
    http::{
        ConnectionType, StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
};
use serde::Serialize;

pub(crate) use self::challenge::{Challenges, ProtectionSpace};
pub use self::table::Refusal;
use crate::{
    backwards::{Backwards, MOST_DIGITS},
    limit::{RATELIMIT, RATELIMIT_POLICY},
};

const IDENTITY: HeaderValue = HeaderValue::from_static("identity");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
const ZERO: HeaderValue = HeaderValue::from_static("0");

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

#[derive(Clone)]
struct Parts {
    refusal: Refusal,
    reason: Cow<'static, str>,
    /// In place of the row's.
    event: Option<&'static str>,
    account: Option<String>,
    retry_after: Option<u64>,
    /// `scope`, `max_age` or `acr_values`: what would satisfy the route.
    wanted: Option<(&'static str, String)>,
    errors: Vec<InputError>,
    violated_policies: Cow<'static, [&'static str]>,
    ratelimit_policy: Option<HeaderValue>,
    ratelimit: Option<HeaderValue>,
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
            event: None,
            account: None,
            retry_after: None,
            wanted: None,
            errors: Vec::new(),
            violated_policies: Cow::Borrowed(&[]),
            ratelimit_policy: None,
            ratelimit: None,
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

    /// A more exact name of the event for the log.
    pub(crate) fn with_event(mut self, event: &'static str) -> Self {
        self.0.event = Some(event);
        self
    }

    /// Which account it was about, for the log: the beginning of a key, never a name.
    pub(crate) fn with_account(mut self, account: String) -> Self {
        self.0.account = Some(account);
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

    /// Factors of authentication that the route takes, with spaces between them.
    pub(crate) fn with_factors(mut self, factors: String) -> Self {
        self.0.wanted = Some(("acr_values", factors));
        self
    }

    /// Names of the quotas that were exceeded.
    pub(crate) fn with_violated_policies(mut self, names: Cow<'static, [&'static str]>) -> Self {
        self.0.violated_policies = names;
        self
    }

    /// The values of `RateLimit-Policy` and `RateLimit`.
    pub(crate) fn with_quotas(
        mut self,
        policy: Option<HeaderValue>,
        state: Option<HeaderValue>,
    ) -> Self {
        self.0.ratelimit_policy = policy;
        self.0.ratelimit = state;
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

    /// The name of the event in the log.
    pub(crate) fn event(&self) -> &'static str {
        self.0.event.unwrap_or(self.0.refusal.row().event)
    }

    /// Which account it was about.
    pub(crate) fn account(&self) -> Option<&str> {
        self.0.account.as_deref()
    }

    /// Names of the quotas that were exceeded, where that is the matter.
    pub fn violated_policies(&self) -> &[&'static str] {
        &self.0.violated_policies
    }

    /// What is wrong with the input, where that is the matter.
    pub fn errors(&self) -> &[InputError] {
        &self.0.errors
    }

    /// The answer, as problem details (RFC 9457).
    pub(crate) fn respond(self, space: ProtectionSpace<'_>) -> HttpResponse {
        let body = problem::body(&self);
        let parts = *self.0;
        let row = parts.refusal.row();
        let mut response = HttpResponse::with_body(row.status, BoxBody::new(body));
        if parts.refusal == Refusal::Banned {
            response
                .head_mut()
                .set_connection_type(ConnectionType::Close);
        }
        // Of a new response: nothing is there to be replaced.
        let headers = response.headers_mut();
        headers.append(header::CONTENT_TYPE, PROBLEM_JSON);
        headers.append(header::CACHE_CONTROL, NO_STORE);
        if let Some(challenge) = space.challenge(parts.refusal, parts.wanted.as_ref()) {
            headers.append(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = parts.retry_after {
            headers.append(header::RETRY_AFTER, retry_after(seconds));
        }
        if parts.refusal == Refusal::ContentCodingUnsupported {
            headers.append(header::ACCEPT_ENCODING, IDENTITY);
        }
        if let Some(policy) = parts.ratelimit_policy {
            headers.append(RATELIMIT_POLICY, policy);
        }
        if let Some(state) = parts.ratelimit {
            headers.append(RATELIMIT, state);
        }
        for (name, value) in parts.fields {
            headers.append(name, value);
        }
        response
    }

    /// As good as this one: for an answer beside one that is kept.
    pub(crate) fn cloned(&self) -> Self {
        Self(self.0.clone())
    }
}

fn retry_after(seconds: u64) -> HeaderValue {
    let mut room = [0; MOST_DIGITS];
    let mut value = Backwards::new(&mut room);
    value.number(seconds);
    // Digits are a value of a field.
    HeaderValue::from_bytes(value.written()).unwrap_or(ZERO)
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
        self.cloned().respond(ProtectionSpace::UNNAMED)
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
