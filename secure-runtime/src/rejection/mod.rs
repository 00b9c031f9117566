//! Every refusal: its status, its public text, its challenge.
//!
//! One [`Refusal`] is one row of the table in [`Refusal::row`]. The public text never says more
//! than the caller may know; why a request was refused goes to the log as
//! [`Rejection::reason`].

mod challenge;
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

pub(crate) use self::challenge::ProtectionSpace;
pub use self::table::Refusal;

const IDENTITY: HeaderValue = HeaderValue::from_static("identity");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Room for the problem details of most refusals.
const USUAL_LENGTH: usize = 256;

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
    /// In place of the row's.
    event: Option<&'static str>,
    account: Option<String>,
    retry_after: Option<u64>,
    /// `scope`, `max_age` or `acr_values`: what would satisfy the route.
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
            event: None,
            account: None,
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
    pub(crate) fn respond(&self, space: ProtectionSpace<'_>) -> HttpResponse {
        let parts = &*self.0;
        let row = parts.refusal.row();
        let mut response = HttpResponse::with_body(row.status, BoxBody::new(self.problem()));
        if parts.refusal == Refusal::Banned {
            response
                .head_mut()
                .set_connection_type(ConnectionType::Close);
        }
        // Of a new response: nothing is there to be replaced.
        let headers = response.headers_mut();
        headers.append(header::CONTENT_TYPE, PROBLEM_JSON);
        headers.append(header::CACHE_CONTROL, NO_STORE);
        if let Some(code) = row.challenge {
            let challenge = challenge::challenge(space, code, row.detail, parts.wanted.as_ref());
            // The settings and the macro admit nothing that a field cannot hold; without the
            // field the refusal would still stand.
            if let Ok(challenge) = HeaderValue::try_from(challenge) {
                headers.append(header::WWW_AUTHENTICATE, challenge);
            }
        }
        if let Some(seconds) = parts.retry_after {
            headers.append(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if parts.refusal == Refusal::ContentCodingUnsupported {
            headers.append(header::ACCEPT_ENCODING, IDENTITY);
        }
        for (name, value) in &parts.fields {
            headers.insert(name.clone(), value.clone());
        }
        response
    }

    /// Problem details (RFC 9457 section 3) with our extensions, as JSON.
    ///
    /// A refusal must cost little, so only what differs between two of the same row goes through
    /// a serializer. The rest is our own text, without a byte that JSON would escape.
    fn problem(&self) -> Vec<u8> {
        let parts = &*self.0;
        let row = parts.refusal.row();
        let r#type = match parts.refusal {
            Refusal::Overloaded => {
                "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"
            }
            Refusal::QuotaExceeded => {
                "https://iana.org/assignments/http-problem-types#quota-exceeded"
            }
            Refusal::Banned => {
                "https://iana.org/assignments/http-problem-types#abnormal-usage-detected"
            }
            _ => "about:blank",
        };
        let mut problem = Vec::with_capacity(USUAL_LENGTH);
        for text in [
            "{\"type\":\"",
            r#type,
            "\",\"title\":\"",
            row.status.canonical_reason().unwrap_or("Error"),
            "\",\"status\":",
            row.status.as_str(),
            ",\"detail\":\"",
            row.detail,
            "\"",
        ] {
            problem.extend_from_slice(text.as_bytes());
        }
        add_list(&mut problem, "errors", &parts.errors);
        add_list(&mut problem, "violated-policies", &parts.violated_policies);
        problem.push(b'}');
        problem
    }
}

/// Adds a member to a JSON object, unless it would be empty.
fn add_list(problem: &mut Vec<u8>, name: &str, list: &[impl Serialize]) {
    // Texts have a serialization; without the member the refusal would still stand.
    if list.is_empty() {
        return;
    }
    if let Ok(list) = serde_json::to_vec(list) {
        for text in [",\"", name, "\":"] {
            problem.extend_from_slice(text.as_bytes());
        }
        problem.extend_from_slice(&list);
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
        self.respond(ProtectionSpace::UNNAMED)
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
