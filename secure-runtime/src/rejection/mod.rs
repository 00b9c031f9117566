//! Every refusal: its status, its public text, its challenge.
//!
//! One [`Refusal`] is one row of the table in [`Refusal::row`]. The public text never says more
//! than the caller may know; why a request was refused goes to the log as
//! [`Rejection::reason`].

mod challenge;
mod problem;
pub(crate) mod retry_after;
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
use crate::limit::{RATELIMIT, RATELIMIT_POLICY};

const IDENTITY: HeaderValue = HeaderValue::from_static("identity");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// A refusal that is on its way to the caller.
///
/// ```
/// use secure_runtime::{Refusal, Rejection};
///
/// let rejection = Rejection::new(Refusal::Forbidden, "the order belongs to somebody else");
/// assert_eq!(rejection.refusal(), Refusal::Forbidden);
/// assert_eq!(rejection.refusal().status(), 403);
/// ```
// A pointer, so that requests that are admitted do not pay for what could have refused them.
pub struct Rejection(Box<Parts>);

/// What those refusals have that a flood is made of. It is little, because it is moved about.
#[derive(Clone)]
struct Parts {
    refusal: Refusal,
    /// Nearly all are constant; any other is in the details.
    reason: &'static str,
    retry_after: Option<u64>,
    quotas: Option<Box<Quotas>>,
    details: Option<Box<Details>>,
}

/// What a refusal by quotas tells of them.
#[derive(Clone)]
pub(crate) struct Quotas {
    /// Names of those that were exceeded.
    pub(crate) violated: Cow<'static, [&'static str]>,
    /// The value of `RateLimit-Policy`.
    pub(crate) policy: Option<HeaderValue>,
    /// The value of `RateLimit`.
    pub(crate) state: Option<HeaderValue>,
    /// Whether one of them is the caller's own: what is counted for all may be others' doing.
    pub(crate) is_own: bool,
}

/// What few refusals have.
#[derive(Clone, Default)]
struct Details {
    reason: Option<String>,
    /// In place of the row's.
    event: Option<&'static str>,
    account: Option<String>,
    /// `scope`, `max_age` or `acr_values`: what would satisfy the route.
    wanted: Option<(&'static str, String)>,
    errors: Vec<InputError>,
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
        let (reason, details) = match reason.into() {
            Cow::Borrowed(reason) => (reason, None),
            Cow::Owned(reason) => {
                let details = Details {
                    reason: Some(reason),
                    ..Details::default()
                };
                ("", Some(Box::new(details)))
            }
        };
        Self(Box::new(Parts {
            refusal,
            reason,
            retry_after: None,
            quotas: None,
            details,
        }))
    }

    fn details(&mut self) -> &mut Details {
        self.0.details.get_or_insert_default()
    }

    /// Input that was decoded and is not valid, or (with [`Refusal::BodyMalformed`]) could not be.
    pub fn with_errors(mut self, errors: Vec<InputError>) -> Self {
        self.details().errors = errors;
        self
    }

    /// When to come back, in whole seconds.
    pub(crate) fn with_retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// A more exact name of the event for the log.
    pub(crate) fn with_event(mut self, event: &'static str) -> Self {
        self.details().event = Some(event);
        self
    }

    /// Which account it was about, for the log: the beginning of a key, never a name.
    pub(crate) fn with_account(mut self, account: String) -> Self {
        self.details().account = Some(account);
        self
    }

    /// The `scope` that was missing, in the syntax of RFC 6749 section 3.3.
    pub(crate) fn with_scope(mut self, scope: String) -> Self {
        self.details().wanted = Some(("scope", scope));
        self
    }

    /// The greatest age of authentication that the route takes, in seconds.
    pub(crate) fn with_max_age(mut self, seconds: u64) -> Self {
        self.details().wanted = Some(("max_age", seconds.to_string()));
        self
    }

    /// Factors of authentication that the route takes, with spaces between them.
    pub(crate) fn with_factors(mut self, factors: String) -> Self {
        self.details().wanted = Some(("acr_values", factors));
        self
    }

    /// The quotas that it is about.
    pub(crate) fn with_quotas(mut self, quotas: Quotas) -> Self {
        self.0.quotas = Some(Box::new(quotas));
        self
    }

    /// A further header field of the answer.
    pub(crate) fn with_field(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.details().fields.push((name, value));
        self
    }

    /// Whether the caller has brought it about.
    pub(crate) fn is_own_doing(&self) -> bool {
        self.0.quotas.as_ref().is_none_or(|quotas| quotas.is_own)
    }

    /// The row of the table.
    pub fn refusal(&self) -> Refusal {
        self.0.refusal
    }

    /// Why, for the log only.
    pub fn reason(&self) -> &str {
        let details = self.0.details.as_ref();
        let reason = details.and_then(|details| details.reason.as_deref());
        reason.unwrap_or(self.0.reason)
    }

    /// The name of the event in the log.
    pub(crate) fn event(&self) -> &'static str {
        let details = self.0.details.as_ref();
        let event = details.and_then(|details| details.event);
        event.unwrap_or(self.0.refusal.row().event)
    }

    /// Which account it was about.
    pub(crate) fn account(&self) -> Option<&str> {
        self.0.details.as_ref()?.account.as_deref()
    }

    /// Names of the quotas that were exceeded, where that is the matter.
    pub fn violated_policies(&self) -> &[&'static str] {
        let quotas = self.0.quotas.as_ref();
        quotas.map_or(&[], |quotas| &quotas.violated)
    }

    /// What is wrong with the input, where that is the matter.
    pub fn errors(&self) -> &[InputError] {
        let details = self.0.details.as_ref();
        details.map_or(&[], |details| &details.errors)
    }

    /// The answer, as problem details (RFC 9457).
    pub(crate) fn respond(self, space: ProtectionSpace<'_>) -> HttpResponse {
        let body = problem::body(&self);
        let Parts {
            refusal,
            retry_after,
            quotas,
            details,
            ..
        } = *self.0;
        let mut response = HttpResponse::with_body(refusal.status(), BoxBody::new(body));
        if refusal == Refusal::Banned {
            response
                .head_mut()
                .set_connection_type(ConnectionType::Close);
        }
        // Of a new response: nothing is there to be replaced.
        let headers = response.headers_mut();
        headers.append(header::CONTENT_TYPE, PROBLEM_JSON);
        headers.append(header::CACHE_CONTROL, NO_STORE);
        let wanted = details.as_ref().and_then(|details| details.wanted.as_ref());
        if let Some(challenge) = space.challenge(refusal, wanted) {
            headers.append(header::WWW_AUTHENTICATE, challenge);
        }
        if refusal == Refusal::ContentCodingUnsupported {
            headers.append(header::ACCEPT_ENCODING, IDENTITY);
        }
        if let Some(seconds) = retry_after {
            headers.append(header::RETRY_AFTER, self::retry_after::value(seconds));
        }
        if let Some(quotas) = quotas {
            if let Some(policy) = quotas.policy {
                headers.append(RATELIMIT_POLICY, policy);
            }
            if let Some(state) = quotas.state {
                headers.append(RATELIMIT, state);
            }
        }
        if let Some(details) = details {
            for (name, value) in details.fields {
                headers.append(name, value);
            }
        }
        response
    }

    /// As good as this one: for an answer beside one that is kept.
    pub(crate) fn cloned(&self) -> Self {
        Self(self.0.clone())
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
        self.cloned().respond(ProtectionSpace::UNNAMED)
    }
}

/// Only what the log may say.
impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejection")
            .field("refusal", &self.0.refusal)
            .field("reason", &self.reason())
            .finish_non_exhaustive()
    }
}
