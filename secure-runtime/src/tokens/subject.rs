//! For whom tokens are issued.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use super::TokenError;
use crate::auth::{self, is_identifier};

/// Most roles, scopes or methods of authentication, as a verifier takes them.
const MAX_NAMES: usize = 256;
/// Longest of their names.
const MAX_NAME_BYTES: usize = 256;

/// Who logged in, and what the tokens are to say of that.
///
/// ```
/// use secure_runtime::tokens::Subject;
///
/// let ann = Subject::new("user-17", "web-shop")
///     .role("customer")
///     .scope("orders:read")
///     .scope("orders:write")
///     .authenticated_by("pwd")
///     .authenticated_by("otp");
/// ```
///
/// Roles and scopes stay those of the login for as long as the session lives. Where they change,
/// end the sessions of the subject ([`end_sessions`](super::TokenIssuer::end_sessions)).
#[derive(Clone)]
pub struct Subject {
    pub(super) name: String,
    pub(super) client_id: String,
    pub(super) roles: Vec<String>,
    pub(super) scopes: Vec<String>,
    pub(super) methods: Vec<String>,
    authenticated_at: Option<SystemTime>,
}

impl Subject {
    /// A subject (`sub`) that logged in by way of a client (`client_id`).
    ///
    /// The subject is a name that is never given to another: the key of a row rather than an
    /// e-mail address.
    pub fn new(subject: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self {
            name: subject.into(),
            client_id: client_id.into(),
            roles: Vec::new(),
            scopes: Vec::new(),
            methods: Vec::new(),
            authenticated_at: None,
        }
    }

    /// Adds a role (`roles`).
    #[must_use]
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.roles.push(role.into());
        self
    }

    /// Adds a scope (`scope`).
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// Adds a way in which the subject was authenticated (`amr`), by its name in RFC 8176: `pwd`,
    /// `otp`, `hwk`, ..
    #[must_use]
    pub fn authenticated_by(mut self, method: impl Into<String>) -> Self {
        self.methods.push(method.into());
        self
    }

    /// When the subject was authenticated (`auth_time`); now, unless given.
    #[must_use]
    pub fn authenticated_at(mut self, time: SystemTime) -> Self {
        self.authenticated_at = Some(time);
        self
    }

    /// Seconds since 1970.
    pub(super) fn auth_time(&self, now: u64) -> u64 {
        let then = self.authenticated_at;
        let then = then.and_then(|then| then.duration_since(UNIX_EPOCH).ok());
        then.map_or(now, auth::millis) / 1000
    }

    /// Refuses what a verifier would refuse, or would read as something else.
    pub(super) fn check(&self) -> Result<(), TokenError> {
        let names = |names: &[String], fits: fn(&str) -> bool| {
            names.len() <= MAX_NAMES
                && names
                    .iter()
                    .all(|name| (1..=MAX_NAME_BYTES).contains(&name.len()) && fits(name))
        };
        let rules = [
            (
                is_identifier(&self.name),
                "its name is empty, too long or has control characters",
            ),
            (
                is_identifier(&self.client_id),
                "the client id is empty, too long or has control characters",
            ),
            (
                names(&self.roles, |role| !role.contains(char::is_control)),
                "a role is empty, too long or has control characters, or there are too many",
            ),
            (
                names(&self.scopes, |scope| scope.bytes().all(is_scope_byte)),
                "a scope is not one of RFC 6749 section 3.3, or there are too many",
            ),
            (
                names(&self.methods, |method| !method.contains(char::is_control)),
                "a method of authentication is empty or too long, or there are too many",
            ),
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            Some((_, problem)) => Err(TokenError::Subject(problem)),
            None => Ok(()),
        }
    }
}

/// Scopes are separated by spaces and stand between quotes in challenges.
fn is_scope_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'"' && byte != b'\\'
}

/// Who it is, is personal data.
impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").finish_non_exhaustive()
    }
}
