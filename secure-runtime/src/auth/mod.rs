//! From credentials to a principal.
//!
//! An [`Authenticator`] verifies the access token of a request, a JWT as RFC 9068 describes it,
//! and says who the caller is:
//!
//! ```
//! use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
//! use secure_runtime::{Authenticator, AuthenticatorOptions, Clock, Issuer, Refusal, VerifyingKey};
//!
//! let key = VerifyingKey::eddsa(
//!     "-----BEGIN PUBLIC KEY-----
//! MCowBQYDK2VwAyEAjKKsklIcXZ71mS0V0bKhkrDSvzzG1ZmAoYBcPcnOg58=
//! -----END PUBLIC KEY-----",
//! )?;
//! let authenticator = Authenticator::new(
//!     vec![Issuer::new("https://login.example.com", "https://orders.example.com").key(key)],
//!     Clock::system(),
//!     AuthenticatorOptions::default(),
//! )?;
//!
//! let mut headers = HeaderMap::new();
//! headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer not.a.token"));
//! let refused = authenticator.authenticate(&headers).unwrap_err();
//! assert_eq!(refused.refusal(), Refusal::CredentialsInvalid);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! In reading order: [`credentials`] finds the token, [`cache`] knows whether it was verified
//! before and [`refusals`] whether it was refused, [`jwt`] verifies it with the [`keys`] of its
//! [`issuer`], and [`principal`] is what comes out.

mod cache;
mod credentials;
mod digests;
mod issuer;
mod jwt;
mod keys;
mod principal;
mod refusals;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use actix_web::http::header::HeaderMap;
use arc_swap::ArcSwap;

use self::{
    cache::Cache,
    issuer::Issuers,
    jwt::{Reason, Refused},
    principal::Lifetime,
    refusals::{Refusals, Verdict},
};
pub use self::{
    credentials::{Credentials, MAX_TOKEN_BYTES},
    issuer::{ClaimPath, Issuer},
    keys::{EcdsaAlgorithm, HmacAlgorithm, KeyError, RsaAlgorithm, VerifyingKey},
    principal::{Claims, Principal},
};
pub(crate) use self::{jwt::is_identifier, principal::SessionHolder};
use crate::{
    clock::Clock,
    rejection::{Refusal, Rejection},
};

/// Clocks that are further apart than this are broken, not skewed (RFC 7519 section 4.1.4:
/// "usually no more than a few minutes").
const MAX_LEEWAY: Duration = Duration::from_secs(300);

/// Verifies the credentials of requests.
pub struct Authenticator {
    snapshot: ArcSwap<Snapshot>,
    clock: Clock,
    /// Milliseconds.
    leeway: u64,
    /// Milliseconds.
    max_lifetime: u64,
    cache_bytes: u64,
}

/// Keys, and what was verified with them or refused.
///
/// INVARIANT: an entry of the cache was verified with these issuers, and one of the refusals was
/// refused by them. They are replaced together, so a verification that began before a replacement
/// ends in the caches that were replaced.
struct Snapshot {
    issuers: Issuers,
    cache: Option<Cache>,
    refusals: Option<Refusals>,
}

/// What an [`Authenticator`] can be told beside its issuers.
#[derive(Clone, Debug)]
pub struct AuthenticatorOptions {
    /// How far the clocks of issuers may be from ours; at most five minutes. One minute unless
    /// told otherwise, which synchronised clocks never need and most others never exceed.
    pub leeway: Duration,
    /// The longest time from `iat` to `exp` that is taken. A day unless told otherwise: it bounds
    /// for how long a stolen token is of use, and for how long revocations must be remembered.
    pub max_lifetime: Duration,
    /// Memory for tokens that were verified or refused, in bytes; zero verifies every token every
    /// time. 32 MiB unless told otherwise, enough for about ten thousand callers at a time.
    ///
    /// An eighth of it is for refused ones, about five thousand, so that they push no caller out:
    /// a token that was refused costs no signature when it is presented again.
    pub cache_bytes: u64,
}

impl Default for AuthenticatorOptions {
    fn default() -> Self {
        Self {
            leeway: Duration::from_secs(60),
            max_lifetime: Duration::from_secs(24 * 60 * 60),
            cache_bytes: 32 * 1024 * 1024,
        }
    }
}

/// Why there can be no such [`Authenticator`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// An audience that no token can have.
    #[error(
        "the audience of issuer `{issuer}` is empty, too long or has control characters: write what its tokens have as `aud`"
    )]
    Audience {
        /// Whose.
        issuer: String,
    },
    /// An issuer's name that no token can have.
    #[error(
        "the name of an issuer is empty, too long or has control characters: write what its tokens have as `iss`"
    )]
    IssuerName,
    /// Two issuers of one name.
    #[error("issuer `{issuer}` is configured twice: give all its keys to one")]
    IssuerTwice {
        /// Which.
        issuer: String,
    },
    /// HMAC secrets beside public keys.
    #[error(
        "issuer `{issuer}` has HMAC secrets and public keys: keep to one kind, or an attacker picks the weaker one"
    )]
    KeyFamiliesMixed {
        /// Whose.
        issuer: String,
    },
    /// A key's name that no token can have.
    #[error(
        "the name of a key of issuer `{issuer}` is empty, too long or has control characters: write what its tokens have as `kid`"
    )]
    KeyId {
        /// Whose.
        issuer: String,
    },
    /// A key without a name beside others.
    #[error("issuer `{issuer}` has several keys and one has no name: call `with_id` on each")]
    KeyIdMissing {
        /// Whose.
        issuer: String,
    },
    /// Two keys of one name.
    #[error("issuer `{issuer}` has two keys named `{id}`: give each its own `kid`")]
    KeyIdTwice {
        /// Whose.
        issuer: String,
        /// The name.
        id: String,
    },
    /// A leeway that makes `exp` meaningless.
    #[error("the leeway is {seconds} s and may be at most 300 s: synchronise the clocks")]
    Leeway {
        /// What was asked for.
        seconds: u64,
    },
    /// Nobody could call.
    #[error("no issuer is configured: add the one that issues this service's tokens")]
    NoIssuer,
    /// An issuer whose tokens cannot be verified.
    #[error("issuer `{issuer}` has no key: add the one that verifies its tokens")]
    NoKey {
        /// Which.
        issuer: String,
    },
}

impl Authenticator {
    /// An authenticator for the tokens of these issuers.
    pub fn new(
        issuers: Vec<Issuer>,
        clock: Clock,
        options: AuthenticatorOptions,
    ) -> Result<Self, AuthError> {
        let AuthenticatorOptions {
            leeway,
            max_lifetime,
            cache_bytes,
        } = options;
        if leeway > MAX_LEEWAY {
            return Err(AuthError::Leeway {
                seconds: leeway.as_secs(),
            });
        }
        Ok(Self {
            snapshot: ArcSwap::from_pointee(Snapshot::new(issuers, cache_bytes)?),
            clock,
            leeway: millis(leeway),
            max_lifetime: millis(max_lifetime),
            cache_bytes,
        })
    }

    /// Puts other issuers and keys in place of all that there were, and forgets every token that
    /// was verified with those or refused. On an error everything stays as it was.
    pub fn replace_issuers(&self, issuers: Vec<Issuer>) -> Result<(), AuthError> {
        self.snapshot
            .store(Arc::new(Snapshot::new(issuers, self.cache_bytes)?));
        Ok(())
    }

    /// The issuers as configured, in the order of their names, for printing.
    pub fn issuers(&self) -> Vec<Issuer> {
        let mut issuers: Vec<_> = self.snapshot.load().issuers.all().cloned().collect();
        issuers.sort_unstable_by(|a, b| a.name().cmp(b.name()));
        issuers
    }

    /// Who sends a request with these header fields.
    pub fn authenticate(&self, headers: &HeaderMap) -> Result<Principal, Rejection> {
        self.authenticate_token(credentials::token(headers)?)
    }

    /// Whose token this is.
    pub(crate) fn authenticate_token(&self, token: &[u8]) -> Result<Principal, Rejection> {
        let snapshot = self.snapshot.load();
        // Bytes that were verified before need not be looked at once more.
        if let Some(cache) = &snapshot.cache
            && let Some(principal) = cache.get(token)
        {
            let valid = self.check(principal.lifetime());
            if valid.is_err() {
                snapshot.withdraw(token, principal.lifetime());
            }
            return valid.map(|()| principal).map_err(invalid);
        }
        self.verify(token, &snapshot)
    }

    /// The same for a token that is not known to be good. Not part of the above: those that are
    /// known come all the time, and need no room for what this needs.
    #[inline(never)]
    fn verify(&self, token: &[u8], snapshot: &Snapshot) -> Result<Principal, Rejection> {
        // Before its form is looked at, which takes longer than the hash of it.
        let refusals = snapshot.refusals.as_ref();
        let place = refusals.map(|refusals| refusals.place(token));
        match place.as_ref().and_then(|place| place.verdict()) {
            Some(Verdict::Never(reason)) => return Err(invalid(reason)),
            // A token whose time has come, or that a wrong clock has refused, is verified.
            Some(Verdict::Within(lifetime)) => self.check(&lifetime).map_err(invalid)?,
            None => {}
        }
        let credentials = Credentials::of_token(token)?;
        let (reason, verdict) = match jwt::verify(&credentials, &snapshot.issuers) {
            Ok(verified) => {
                let principal = Principal::new(verified);
                let lifetime = principal.lifetime();
                // The clock does not change the first, so a token of the caches has passed it.
                if let Err(reason) = lifetime.check_length(self.max_lifetime) {
                    (reason, Verdict::Never(reason))
                } else if let Err(reason) = self.check(lifetime) {
                    (reason, Verdict::Within(*lifetime))
                } else {
                    if let Some(cache) = &snapshot.cache {
                        cache.insert(token, &principal);
                    }
                    return Ok(principal);
                }
            }
            Err(Refused::AtOnce(reason)) => return Err(invalid(reason)),
            Err(Refused::Judged(reason)) => (reason, Verdict::Never(reason)),
        };
        if let Some(place) = place {
            place.keep(verdict);
        }
        Err(invalid(reason))
    }

    /// Whether a token is valid at this time.
    fn check(&self, lifetime: &Lifetime) -> Result<(), Reason> {
        lifetime.check(self.now(), self.leeway)
    }

    /// Whether the caller authenticated at most `max_age` ago (RFC 9470). Leeway is not added: a
    /// route that asks for a recent authentication wants it recent.
    pub(crate) fn check_age(
        &self,
        principal: &Principal,
        max_age: Duration,
    ) -> Result<(), Rejection> {
        let too_old = |reason| {
            Rejection::new(Refusal::AuthenticationTooOld, reason).with_max_age(max_age.as_secs())
        };
        let now = self.now();
        match principal.authenticated_at_millis() {
            None => Err(too_old("token: `auth_time` is missing")),
            Some(then) if then > now.saturating_add(self.leeway) => Err(Rejection::new(
                Refusal::CredentialsInvalid,
                "token: `auth_time` is in the future",
            )),
            Some(then) if now.saturating_sub(then) > millis(max_age) => {
                Err(too_old("token: `auth_time` is too long ago"))
            }
            Some(_) => Ok(()),
        }
    }

    fn now(&self) -> u64 {
        self.clock.unix_millis()
    }
}

/// Without keys and without tokens.
impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authenticator")
            .field("issuers", &self.snapshot.load().issuers)
            .field("leeway", &self.leeway)
            .field("max_lifetime", &self.max_lifetime)
            .field("cache_bytes", &self.cache_bytes)
            .finish_non_exhaustive()
    }
}

impl Snapshot {
    fn new(issuers: Vec<Issuer>, cache_bytes: u64) -> Result<Self, AuthError> {
        let refused_bytes = cache_bytes / refusals::SHARE;
        Ok(Self {
            issuers: Issuers::new(issuers)?,
            cache: Cache::new(cache_bytes - refused_bytes),
            refusals: Refusals::new(refused_bytes),
        })
    }

    /// Moves a token that was verified to those that are refused, because of the time: room in the
    /// cache is for callers who are admitted.
    #[cold]
    fn withdraw(&self, token: &[u8], lifetime: &Lifetime) {
        if let Some(cache) = &self.cache {
            cache.remove(token);
        }
        if let Some(refusals) = &self.refusals {
            refusals.place(token).keep(Verdict::Within(*lifetime));
        }
    }
}

fn invalid(reason: Reason) -> Rejection {
    Rejection::new(Refusal::CredentialsInvalid, reason)
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
