//! The configured parts, and the check that nothing is missing before a service starts.

use std::sync::Arc;

use actix_web::web::ServiceConfig;

use crate::{
    address::ClientAddresses,
    auth::{Authenticator, AuthenticatorOptions, Issuer},
    clock::Clock,
    danger::Transport,
    error::Error,
    limit::RateLimiter,
    manifest::{Manifest, MethodTable},
    policy::{Access, Per, Policy, Quota},
    rejection::{Refusal, Rejection},
    routes::Routes,
    settings::Settings,
    shield::Shield,
};

/// Realm of a challenge where none is configured.
pub(crate) const DEFAULT_REALM: &str = "api";

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

struct Parts {
    addresses: ClientAddresses,
    authenticator: Option<Authenticator>,
    clock: Clock,
    limiter: Arc<RateLimiter>,
    realm: String,
    settings: Settings,
    transport: Transport,
}

/// How often one address may present credentials that are wrong, before the answer is 429.
/// Generous for a client with an expired token, useless for guessing.
static AUTHENTICATION_FAILURES: Policy = Policy {
    handler: "authentication failures",
    file: file!(),
    line: line!(),
    access: Access::Public { reason: None },
    quotas: &[Quota {
        name: "authentication-failures",
        limit: 60,
        period_seconds: 60,
        burst: 60,
        per: Per::Ip,
    }],
    max_body: 0,
    body_timeout: std::time::Duration::ZERO,
    allow: None,
    inputs: &[],
};

/// Puts a [`Security`] together in code.
#[derive(Debug)]
pub struct SecurityBuilder {
    addresses: ClientAddresses,
    clock: Clock,
    issuers: Vec<Issuer>,
    options: AuthenticatorOptions,
    settings: Settings,
    transport: Transport,
}

impl SecurityBuilder {
    /// Whose tokens are accepted; may be called several times.
    pub fn issuer(mut self, issuer: Issuer) -> Self {
        self.issuers.push(issuer);
        self
    }

    /// The source of time; the operating system's unless given.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// How requests must have come; over HTTPS unless given.
    pub fn transport(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// How the client's address is found; the peer's unless given.
    pub fn client_addresses(mut self, addresses: ClientAddresses) -> Self {
        self.addresses = addresses;
        self
    }

    /// Checks the parts and puts them together.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the issuers or their keys.
    pub fn build(self) -> Result<Security, Error> {
        let authenticator = if self.issuers.is_empty() {
            None
        } else {
            Some(Authenticator::new(
                self.issuers,
                self.clock.clone(),
                self.options,
            )?)
        };
        Ok(Security(Arc::new(Parts {
            addresses: self.addresses,
            authenticator,
            limiter: RateLimiter::new(self.clock.clone(), self.settings.limits.max_keys),
            clock: self.clock,
            realm: self.settings.realm.clone(),
            settings: self.settings,
            transport: self.transport,
        })))
    }
}

impl Security {
    /// Starts with default settings and no issuer.
    pub fn builder() -> SecurityBuilder {
        SecurityBuilder {
            addresses: ClientAddresses::default(),
            clock: Clock::system(),
            issuers: Vec::new(),
            options: AuthenticatorOptions::default(),
            settings: Settings::default(),
            transport: Transport::default(),
        }
    }

    /// The routes of a service, for [`App::configure`](actix_web::App::configure) at the root of
    /// an app.
    pub fn routes(&self, routes: impl FnOnce(&mut Routes)) -> impl FnOnce(&mut ServiceConfig) {
        let security = self.clone();
        move |config| {
            let routes = Routes::collect(routes);
            let (manifest, mount) = routes.into_parts();
            config
                .app_data(security)
                .app_data(MethodTable::new(&manifest));
            mount(config);
        }
    }

    /// The outermost layer of an app.
    pub fn shield(&self) -> Shield {
        Shield::new(self.clone())
    }

    /// Says what the routes need that is not configured, each with its handler's file and line.
    ///
    /// [`Server`](crate::Server) asks this before it starts; a hand-made app should too. A route
    /// that is served all the same refuses every request.
    ///
    /// # Errors
    ///
    /// [`Error::Unconfigured`] lists every route that cannot work.
    pub fn check(&self, manifest: &Manifest) -> Result<(), Error> {
        if self.0.authenticator.is_some() {
            return Ok(());
        }
        let missing: Vec<String> = manifest
            .asking_for_credentials()
            .map(|route| {
                let Policy { file, line, .. } = route.policy;
                format!("{} {} ({file}:{line}) asks for credentials, and no issuer is configured: add `[[issuers]]` to the settings", route.method, route.path)
            })
            .collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(Error::Unconfigured { missing })
        }
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

    /// The source of time.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The settings it was made from.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn addresses(&self) -> &ClientAddresses {
        &self.0.addresses
    }

    pub(crate) fn authentication_failures(&self) -> &'static Policy {
        &AUTHENTICATION_FAILURES
    }

    pub(crate) fn limiter(&self) -> &RateLimiter {
        &self.0.limiter
    }

    pub(crate) fn realm(&self) -> &str {
        &self.0.realm
    }

    pub(crate) fn transport(&self) -> Transport {
        self.0.transport
    }
}

/// No part is shown: some hold keys.
impl std::fmt::Debug for Security {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Security").finish_non_exhaustive()
    }
}
