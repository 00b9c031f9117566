//! The content of `WWW-Authenticate`: what the caller should do.

use actix_web::http::header::HeaderValue;

use super::{Refusal, table::PerRow};

/// The `error` attribute of a Bearer challenge (RFC 6750 section 3.1, RFC 9470 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ErrorCode {
    /// A challenge without `error`: no credentials were understood.
    Absent,
    InsufficientScope,
    InsufficientUserAuthentication,
    InvalidRequest,
    InvalidToken,
}

impl ErrorCode {
    fn name(self) -> Option<&'static str> {
        match self {
            Self::Absent => None,
            Self::InsufficientScope => Some("insufficient_scope"),
            Self::InsufficientUserAuthentication => Some("insufficient_user_authentication"),
            Self::InvalidRequest => Some("invalid_request"),
            Self::InvalidToken => Some("invalid_token"),
        }
    }
}

/// Room for a short realm, an error and its description.
const USUAL_LENGTH: usize = 128;

/// The challenges of a service that say nothing of a route: they are the same each time.
#[derive(Debug)]
pub(crate) struct Challenges(PerRow<Option<HeaderValue>>);

impl Challenges {
    pub(crate) const fn new() -> Self {
        Self(PerRow::new())
    }
}

/// What challenges say of the service (RFC 9110 section 11.5, RFC 9728 section 5.1).
///
/// Neither holds a quote or a backslash: [`Settings::check`](crate::Settings::check) sees to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProtectionSpace<'a> {
    pub(crate) realm: &'a str,
    pub(crate) resource_metadata: Option<&'a str>,
    /// Where the challenges of this space are kept.
    pub(crate) challenges: Option<&'a Challenges>,
}

impl ProtectionSpace<'_> {
    /// That of a service which says nothing of itself.
    pub(crate) const UNNAMED: Self = Self {
        realm: "api",
        resource_metadata: None,
        challenges: None,
    };

    /// The challenge of a refusal, where its row has one: `wanted` is `scope`, `max_age` or
    /// `acr_values`, with what would satisfy the route.
    pub(super) fn challenge(
        self,
        refusal: Refusal,
        wanted: Option<&(&'static str, String)>,
    ) -> Option<HeaderValue> {
        let row = refusal.row();
        let code = row.challenge?;
        // The settings and the macro admit nothing that a field cannot hold; without the field
        // the refusal would still stand.
        let make = || HeaderValue::try_from(challenge(self, code, row.detail, wanted)).ok();
        match self.challenges {
            Some(kept) if wanted.is_none() => kept.0.get(refusal, make).clone(),
            _ => make(),
        }
    }
}

fn challenge(
    space: ProtectionSpace<'_>,
    code: ErrorCode,
    description: &str,
    wanted: Option<&(&'static str, String)>,
) -> String {
    let mut challenge = String::with_capacity(USUAL_LENGTH);
    for part in ["Bearer realm=\"", space.realm, "\""] {
        challenge.push_str(part);
    }
    let mut add = |name: &str, value: &str| {
        for part in [", ", name, "=\"", value, "\""] {
            challenge.push_str(part);
        }
    };
    if let Some(code) = code.name() {
        add("error", code);
        add("error_description", description);
    }
    if let Some((name, value)) = wanted {
        add(name, value);
    }
    if let Some(url) = space.resource_metadata {
        add("resource_metadata", url);
    }
    challenge
}
