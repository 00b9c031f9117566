//! The claims of an access token (RFC 9068 section 2.2): which must be there, and what they may
//! hold.

use super::{
    Reason, identifier,
    json::{self, Json, Object},
};
use crate::{
    auth::{
        issuer::{ClaimPath, Issuer},
        principal::{Lifetime, Verified},
    },
    limit::Identity,
};

/// Most roles, and most scopes, of one token.
const MAX_NAMES: usize = 256;
/// Longest name of a role or scope.
const MAX_NAME_BYTES: usize = 256;
/// The year 9999: no time later than this is meant seriously.
const MAX_SECONDS: f64 = 253_402_300_799.0;

/// Claims that other kinds of token have: hash claims mark ID tokens, `events` logout tokens and
/// security event tokens, `htm` and `htu` DPoP proofs. With `cnf` a token is bound to a key; we
/// cannot check that the sender holds it, so the token says "not from a bearer".
fn mark_of_another(name: &str) -> Option<Reason> {
    Some(match name {
        "at_hash" => "token: `at_hash` marks an ID token",
        "c_hash" => "token: `c_hash` marks an ID token",
        "cnf" => "token: `cnf` binds it to a key that a bearer does not show",
        "events" => "token: `events` marks a logout or event token",
        "htm" => "token: `htm` marks a DPoP proof",
        "htu" => "token: `htu` marks a DPoP proof",
        _ => return None,
    })
}

/// A text of 1 to 512 bytes, which must be there.
macro_rules! required_text {
    ($claims:expr, $name:literal) => {
        $claims.0.get($name).and_then(identifier).ok_or(concat!(
            "token: `",
            $name,
            "` is missing or not a usable text"
        ))
    };
}

/// A time, if there is one.
macro_rules! time {
    ($claims:expr, $name:literal) => {
        match $claims.0.get($name) {
            None => Ok(None),
            Some(value) => match millis(value) {
                Some(time) => Ok(Some(time)),
                None => Err(concat!("token: `", $name, "` is not a time")),
            },
        }
    };
}

/// The members of a payload, of which nothing was verified yet.
pub(super) struct Claims<'a>(Object<'a>);

impl<'a> Claims<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, Reason> {
        json::object(text)
            .map(Self)
            .ok_or("token: the payload is not a JSON object with each name once")
    }

    /// Who claims to have issued the token.
    pub(super) fn issuer(&self) -> Result<&str, Reason> {
        required_text!(self, "iss")
    }

    /// Checks everything except whether the token is valid at this time, for a payload whose
    /// signature was verified with a key of `issuer`.
    pub(super) fn check(&self, issuer: &Issuer) -> Result<Verified, Reason> {
        self.check_audience(issuer)?;
        self.check_kind(issuer)?;
        let subject = required_text!(self, "sub")?;
        let lifetime = Lifetime {
            expires_at: time!(self, "exp")?.ok_or("token: `exp` is missing")?,
            issued_at: time!(self, "iat")?.ok_or("token: `iat` is missing")?,
            not_before: time!(self, "nbf")?.unwrap_or(0),
        };
        let token_id = self
            .at(issuer.token_id_path())?
            .and_then(identifier)
            .ok_or("token: the token id is missing or not a usable text")?;
        let client_id = match self.at(issuer.client_id_path())? {
            Some(value) => {
                Some(identifier(value).ok_or("token: the client id is not a usable text")?)
            }
            None if issuer.accepts_generic_typ() => None,
            None => return Err("token: the client id is missing"),
        };
        let session_id = match self.0.get("sid") {
            Some(value) => Some(identifier(value).ok_or("token: `sid` is not a usable text")?),
            None => None,
        };
        let mut roles = Names::default();
        for path in issuer.role_paths() {
            if let Some(value) = self.at(path)? {
                roles
                    .add(value, false)
                    .ok_or("token: a roles claim is not a bounded list of texts")?;
            }
        }
        let mut scopes = Names::default();
        for path in issuer.scope_paths() {
            if let Some(value) = self.at(path)? {
                scopes
                    .add(value, true)
                    .ok_or("token: a scope claim is not a bounded list of texts")?;
            }
        }
        let mut factors = Names::default();
        if let Some(value) = self.0.get("amr") {
            factors
                .add(value, false)
                .ok_or("token: `amr` is not a bounded list of texts")?;
        }
        Ok(Verified {
            authenticated_at: time!(self, "auth_time")?,
            client_id: client_id.map(Box::from),
            factors: factors.finish(),
            identity: Identity::new(issuer.identity_of(subject)),
            issuer: issuer.shared_name(),
            lifetime,
            // It is what these claims borrow from; `verify` puts it there.
            payload: Box::default(),
            roles: roles.finish(),
            scopes: scopes.finish(),
            session_id: session_id.map(Box::from),
            subject: Box::from(subject),
            token_id: Box::from(token_id),
        })
    }

    /// `aud` is one text or a list of them, and names this service.
    fn check_audience(&self, issuer: &Issuer) -> Result<(), Reason> {
        let mut found = false;
        let mut look = |value: &Json<'_>| match value {
            Json::Text(audience) => {
                found |= *audience == issuer.audience();
                Ok(())
            }
            _ => Err("token: `aud` is not a text or a list of texts"),
        };
        match self.0.get("aud") {
            None => return Err("token: `aud` is missing"),
            Some(Json::Array(audiences)) => audiences.iter().try_for_each(look)?,
            Some(audience) => look(audience)?,
        }
        match found {
            true => Ok(()),
            false => Err("token: `aud` does not name this service"),
        }
    }

    /// Refuses what is no access token that a bearer may present.
    fn check_kind(&self, issuer: &Issuer) -> Result<(), Reason> {
        if let Some(reason) = self.0.iter().find_map(|(name, _)| mark_of_another(name)) {
            return Err(reason);
        }
        if !issuer.accepts_generic_typ() {
            return Ok(());
        }
        // The type says nothing here: go by the claims that tell tokens of one issuer apart.
        if self.0.get("nonce").is_some() {
            return Err("token: `nonce` marks an ID token");
        }
        // Keycloak (`Bearer`, `ID`, `Refresh`, `Logout`) and Cognito (`access`, `id`).
        for (name, access, reason) in [
            ("typ", "Bearer", "token: the claim `typ` is not `Bearer`"),
            ("token_use", "access", "token: `token_use` is not `access`"),
        ] {
            match self.0.get(name) {
                None => {}
                Some(Json::Text(kind)) if kind.eq_ignore_ascii_case(access) => {}
                Some(_) => return Err(reason),
            }
        }
        Ok(())
    }

    /// The value at a path; `null` on the way is as if nothing were there.
    fn at(&self, path: &ClaimPath) -> Result<Option<&Json<'a>>, Reason> {
        let mut members = &self.0;
        let mut names = path.names();
        let Some(mut name) = names.next() else {
            return Ok(None);
        };
        loop {
            let value = match members.get(name) {
                None | Some(Json::Null) => return Ok(None),
                Some(value) => value,
            };
            name = match names.next() {
                None => return Ok(Some(value)),
                Some(next) => next,
            };
            members = match value {
                Json::Object(members) => members,
                _ => {
                    return Err("token: the path to a claim leads through something not an object");
                }
            };
        }
    }
}

/// Seconds since 1970, perhaps with a fraction (RFC 7519 section 2), in whole milliseconds.
fn millis(value: &Json<'_>) -> Option<u64> {
    match value {
        Json::Number(seconds) if (0.0..=MAX_SECONDS).contains(seconds) => {
            // In range by the guard: at most 2.6e14.
            Some((seconds * 1000.0) as u64)
        }
        _ => None,
    }
}

/// Roles or scopes while they are collected.
#[derive(Default)]
struct Names(Vec<Box<str>>);

impl Names {
    /// Adds a list of names or a single one; `spaced` means that a text is a list too.
    fn add(&mut self, value: &Json<'_>, spaced: bool) -> Option<()> {
        match value {
            Json::Null => Some(()),
            Json::Text(names) if spaced => names
                .split(' ')
                .filter(|name| !name.is_empty())
                .try_for_each(|name| self.push(name)),
            Json::Text(name) => self.push(name),
            Json::Array(names) => names.iter().try_for_each(|name| match name {
                Json::Text(name) => self.push(name),
                _ => None,
            }),
            _ => None,
        }
    }

    fn push(&mut self, name: &str) -> Option<()> {
        let fits = !name.is_empty() && name.len() <= MAX_NAME_BYTES && self.0.len() < MAX_NAMES;
        fits.then(|| self.0.push(Box::from(name)))
    }

    /// Sorted, each name once.
    fn finish(mut self) -> Box<[Box<str>]> {
        self.0.sort_unstable();
        self.0.dedup();
        self.0.into_boxed_slice()
    }
}
