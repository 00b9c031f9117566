//! The configured parts, and the check that nothing is missing before a service starts.

mod builder;

use std::sync::Arc;

pub use self::builder::SecurityBuilder;
#[cfg(feature = "passwords")]
use crate::data::password::Passwords;
#[cfg(feature = "otp")]
use crate::otp::OneTimeCodes;
use crate::{
    address::ClientAddresses,
    audit::Floods,
    auth::Authenticator,
    bans::BanList,
    clock::Clock,
    concurrency::Concurrency,
    error::Error,
    limit::{Limits, RateLimiter},
    login::Logins,
    policy::{Access, Outage, Per, Policy, Priority, Quota, Sharing},
    rejection::{Challenges, ProtectionSpace, Refusal, Rejection},
    revocation::RevocationList,
    settings::Settings,
    tokens::{Clients, TokenIssuer},
};

/// The configured parts that guarded handlers use; cheap to clone, one for a process.
///
/// ```no_run
/// use secure_runtime::{Routes, Security, Server, Settings};
///
/// fn routes(routes: &mut Routes) { /* .. */ }
///
/// #[actix_web::main]
/// async fn main() -> Result<(), secure_runtime::Error> {
///     let security = Security::from_settings(Settings::load()?).await?;
///     Server::new(security, routes).run().await
/// }
/// ```
///
/// In an app of your own:
///
/// ```no_run
/// # use actix_web::{App, HttpServer};
/// # use secure_runtime::{Routes, Security};
/// # fn routes(routes: &mut Routes) {}
/// # fn app(security: Security) {
/// HttpServer::new(move || {
///     App::new()
///         .configure(security.routes(routes))
///         .wrap(security.shield())
/// });
/// # }
/// ```
#[derive(Clone)]
pub struct Security(Arc<Parts>);

/// Not on the cache line of the count of its clones, which every request writes.
#[repr(align(64))]
struct Parts {
    addresses: Arc<ClientAddresses>,
    authenticator: Option<Authenticator>,
    bans: BanList,
    challenges: Challenges,
    clients: Clients,
    clock: Clock,
    concurrency: Concurrency,
    floods: Floods,
    limiter: RateLimiter,
    logins: Logins,
    #[cfg(feature = "otp")]
    one_time_codes: OneTimeCodes,
    #[cfg(feature = "passwords")]
    passwords: Passwords,
    revocations: RevocationList,
    settings: Settings,
    token_issuer: Option<TokenIssuer>,
}

/// How often one address may present credentials that are wrong, before the answer is 429.
/// Generous for a client with an expired token, useless for guessing.
static AUTHENTICATION_FAILURES: Policy = Policy {
    handler: "authentication failures",
    file: file!(),
    line: line!(),
    access: Access::Public { reason: None },
    outage: Outage::Deny,
    quotas: &[Quota {
        name: "authentication-failures",
        limit: 60,
        period_seconds: 60,
        burst: 60,
        per: Per::Ip,
        // A guesser is known to few processes, and a refusal must not wait for a store.
        sharing: Sharing::Local,
    }],
    cost: 1,
    concurrency: None,
    priority: Priority::Normal,
    max_body: 0,
    body_timeout: std::time::Duration::ZERO,
    allow: None,
    login: None,
    inputs: &[],
};

impl Security {
    /// Puts the parts together as an operator configured them.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the settings, or with the keys that they name.
    pub async fn from_settings(settings: Settings) -> Result<Self, Error> {
        settings.check()?;
        Self::builder().settings(settings).build()
    }

    /// Starts with default settings and no issuer.
    pub fn builder() -> SecurityBuilder {
        SecurityBuilder::new()
    }

    /// Who finds the address of a client, and what was wrong with those that were sent.
    pub fn addresses(&self) -> &ClientAddresses {
        &self.0.addresses
    }

    /// The verifier of tokens.
    ///
    /// # Errors
    ///
    /// A refusal, where no issuer is configured.
    pub fn authenticator(&self) -> Result<&Authenticator, Rejection> {
        self.0.authenticator.as_ref().ok_or_else(|| {
            Rejection::new(
                Refusal::NotConfigured,
                "no issuer is configured: add `[[issuers]]` to the settings",
            )
        })
    }

    /// The networks that are refused for a time.
    pub fn bans(&self) -> &BanList {
        &self.0.bans
    }

    /// The source of time.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// How quotas are counted together with other processes.
    pub fn limits(&self) -> Limits<'_> {
        Limits::of(&self.0.limiter)
    }

    /// What verifies one-time codes of authenticator apps. They show [`Settings::realm`] as the
    /// name of the service.
    #[cfg(feature = "otp")]
    pub fn one_time_codes(&self) -> &OneTimeCodes {
        &self.0.one_time_codes
    }

    /// What hashes and verifies passwords.
    #[cfg(feature = "passwords")]
    pub fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    /// Failed logins, and who is locked out for them.
    pub fn logins(&self) -> &Logins {
        &self.0.logins
    }

    /// The tokens that are refused although they have not expired.
    pub fn revocations(&self) -> &RevocationList {
        &self.0.revocations
    }

    /// The settings it was made from.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Issues this service's own tokens.
    ///
    /// # Errors
    ///
    /// A refusal, where none is configured.
    pub fn token_issuer(&self) -> Result<&TokenIssuer, Rejection> {
        self.0.token_issuer.as_ref().ok_or_else(|| {
            Rejection::new(
                Refusal::NotConfigured,
                "no token issuer is configured: add `[token_issuer]` to the settings",
            )
        })
    }

    pub(crate) fn clients(&self) -> &Clients {
        &self.0.clients
    }

    pub(crate) fn authentication_failures(&self) -> &'static Policy {
        &AUTHENTICATION_FAILURES
    }

    pub(crate) fn floods(&self) -> &Floods {
        &self.0.floods
    }

    pub(crate) fn concurrency(&self) -> &Concurrency {
        &self.0.concurrency
    }

    pub(crate) fn limiter(&self) -> &RateLimiter {
        &self.0.limiter
    }

    pub(crate) fn protection_space(&self) -> ProtectionSpace<'_> {
        ProtectionSpace {
            realm: &self.0.settings.realm,
            resource_metadata: self.0.settings.resource_metadata.as_deref(),
            challenges: Some(&self.0.challenges),
        }
    }
}

/// No part is shown: some hold keys.
impl std::fmt::Debug for Security {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Security").finish_non_exhaustive()
    }
}
