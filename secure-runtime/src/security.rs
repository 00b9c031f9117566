//! The configured parts, and the check that nothing is missing before a service starts.

use std::sync::Arc;

use crate::{
    address::{ClientAddresses, ForwardingHeader},
    auth::{
        Authenticator, AuthenticatorOptions, EcdsaAlgorithm, HmacAlgorithm, Issuer, RsaAlgorithm,
        VerifyingKey,
    },
    clock::Clock,
    error::{Error, Mistake, Mistakes},
    limit::RateLimiter,
    login::{LoginOptions, Logins},
    policy::{Access, Per, Policy, Quota},
    rejection::{ProtectionSpace, Refusal, Rejection},
    revocation::{RevocationList, RevocationOptions},
    settings::{
        Algorithm, ClientAddressSettings, ForwardedHeader, KeyMaterial, KeySettings, Settings,
    },
};
#[cfg(feature = "redis")]
use crate::{
    settings::RedisSettings,
    store::{Store, Target},
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

struct Parts {
    addresses: ClientAddresses,
    authenticator: Option<Authenticator>,
    clock: Clock,
    limiter: RateLimiter,
    logins: Logins,
    revocations: RevocationList,
    settings: Settings,
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
    login: None,
    inputs: &[],
};

/// Puts a [`Security`] together in code.
#[derive(Debug)]
pub struct SecurityBuilder {
    clock: Clock,
    issuers: Vec<Issuer>,
    settings: Settings,
}

impl SecurityBuilder {
    /// Everything that an operator decides; the defaults unless given.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Whose tokens are accepted, beside the issuers of the settings; may be called several times.
    pub fn issuer(mut self, issuer: Issuer) -> Self {
        self.issuers.push(issuer);
        self
    }

    /// The source of time; the operating system's unless given.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Reads keys from where the settings say they are, checks the parts and puts them together.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the issuers or their keys, all of it at once; or with the file of
    /// the revocations.
    pub fn build(self) -> Result<Security, Error> {
        let Self {
            clock,
            mut issuers,
            settings,
        } = self;
        settings.check_challenges()?;
        issuers.extend(configured_issuers(&settings)?);
        let authenticator = if issuers.is_empty() {
            None
        } else {
            let options = AuthenticatorOptions {
                leeway: settings.tokens.leeway,
                max_lifetime: settings.tokens.max_lifetime,
                cache_bytes: settings.tokens.cache,
            };
            let authenticator = Authenticator::new(issuers, clock.clone(), options)
                .map_err(|error| wrong("issuers", error))?;
            Some(authenticator)
        };
        let limiter = RateLimiter::new(clock.clone(), settings.limits.max_keys.get())
            .map_err(|error| wrong("limits", error))?;
        let addresses = client_addresses(&settings.client_address)?;
        #[cfg(feature = "redis")]
        let store = shared_store(settings.redis.as_ref())?;
        let secret = settings.login.load_secret();
        let secret = secret.map_err(|mistake| Error::Settings(mistake.within("login").into()))?;
        let logins = Logins::new(LoginOptions {
            clock: clock.clone(),
            settings: &settings.login,
            secret,
            #[cfg(feature = "redis")]
            store: store.clone(),
        })
        .map_err(|error| wrong("login", error))?;
        let revocations = RevocationList::open(
            clock.clone(),
            RevocationOptions {
                file: settings.revocation.file.clone(),
                leeway: settings.tokens.leeway,
                max_entries: settings.revocation.max_entries.get(),
                max_lifetime: settings.tokens.max_lifetime,
                #[cfg(feature = "redis")]
                store,
            },
        )?;
        Ok(Security(Arc::new(Parts {
            addresses,
            authenticator,
            clock,
            limiter,
            logins,
            revocations,
            settings,
        })))
    }
}

/// The store that processes share, where there is one.
#[cfg(feature = "redis")]
fn shared_store(settings: Option<&RedisSettings>) -> Result<Option<Store>, Error> {
    let Some(redis) = settings else {
        return Ok(None);
    };
    let target = Target::parse(redis.url.expose()).map_err(|error| wrong("redis.url", error))?;
    let authority = redis.ca_file.as_deref().map(crate::settings::read);
    let authority = authority.transpose();
    let authority = authority.map_err(|error| wrong("redis.ca_file", error))?;
    Store::start(target.with_authority(authority), &redis.prefix)
        .map(Some)
        .map_err(|error| wrong("redis", error))
}

fn wrong(key: &str, error: impl std::fmt::Display) -> Error {
    Error::Settings(Mistake::new(key, error.to_string()).into())
}

/// The issuers of the settings with their keys.
fn configured_issuers(settings: &Settings) -> Result<Vec<Issuer>, Error> {
    let mut mistakes = Mistakes::default();
    let mut issuers = Vec::new();
    for (place, configured) in settings.issuers.iter().enumerate() {
        let mut issuer = Issuer::new(&configured.issuer, &configured.audience)
            .client_id_from(configured.client_id.as_str())
            .token_id_from(configured.token_id.as_str());
        for path in &configured.roles {
            issuer = issuer.roles_from(path.as_str());
        }
        for path in &configured.scopes {
            issuer = issuer.scopes_from(path.as_str());
        }
        if configured.accept_generic_typ {
            issuer = issuer.accept_generic_typ();
        }
        for (key_place, key) in configured.keys.iter().enumerate() {
            match verifying_key(key) {
                Ok(key) => issuer = issuer.key(key),
                Err(mistake) => {
                    mistakes.add(mistake.within(&format!("issuers[{place}].keys[{key_place}]")));
                }
            }
        }
        issuers.push(issuer);
    }
    mistakes.into_result(Error::Settings)?;
    Ok(issuers)
}

fn verifying_key(settings: &KeySettings) -> Result<VerifyingKey, Mistake> {
    let unsuited = |needed: &str| {
        Mistake::new(
            "algorithm",
            format!("`{}` needs {needed}", settings.algorithm),
        )
    };
    let key = match settings.load()? {
        KeyMaterial::PublicKey(pem) => match settings.algorithm {
            Algorithm::EdDsa => VerifyingKey::eddsa(pem),
            Algorithm::Es256 => VerifyingKey::ecdsa(EcdsaAlgorithm::Es256, pem),
            Algorithm::Es384 => VerifyingKey::ecdsa(EcdsaAlgorithm::Es384, pem),
            Algorithm::Ps256 => VerifyingKey::rsa(RsaAlgorithm::Ps256, pem),
            Algorithm::Ps384 => VerifyingKey::rsa(RsaAlgorithm::Ps384, pem),
            Algorithm::Ps512 => VerifyingKey::rsa(RsaAlgorithm::Ps512, pem),
            Algorithm::Rs256 => VerifyingKey::rsa(RsaAlgorithm::Rs256, pem),
            Algorithm::Rs384 => VerifyingKey::rsa(RsaAlgorithm::Rs384, pem),
            Algorithm::Rs512 => VerifyingKey::rsa(RsaAlgorithm::Rs512, pem),
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => {
                return Err(unsuited("a secret: give `secret_file`"));
            }
        },
        KeyMaterial::Secret(secret) => match settings.algorithm {
            Algorithm::Hs256 => VerifyingKey::hmac(HmacAlgorithm::Hs256, &secret),
            Algorithm::Hs384 => VerifyingKey::hmac(HmacAlgorithm::Hs384, &secret),
            Algorithm::Hs512 => VerifyingKey::hmac(HmacAlgorithm::Hs512, &secret),
            _ => return Err(unsuited("a public key: give `public_key_file`")),
        },
    };
    let key = key.map_err(|error| Mistake::new("", error.to_string()))?;
    Ok(match &settings.id {
        Some(id) => key.with_id(id),
        None => key,
    })
}

fn client_addresses(settings: &ClientAddressSettings) -> Result<ClientAddresses, Error> {
    let header = match settings.header {
        ForwardedHeader::Forwarded => ForwardingHeader::Forwarded,
        ForwardedHeader::XForwardedFor => ForwardingHeader::XForwardedFor,
    };
    match settings.hops {
        Some(hops) => Ok(ClientAddresses::behind_hops(hops.get(), header)),
        None => ClientAddresses::behind(settings.trusted_proxies.clone(), header)
            .map_err(|error| wrong("client_address.trusted_proxies", error)),
    }
}

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
        SecurityBuilder {
            clock: Clock::system(),
            issuers: Vec::new(),
            settings: Settings::default(),
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

    pub(crate) fn addresses(&self) -> &ClientAddresses {
        &self.0.addresses
    }

    pub(crate) fn authentication_failures(&self) -> &'static Policy {
        &AUTHENTICATION_FAILURES
    }

    pub(crate) fn limiter(&self) -> &RateLimiter {
        &self.0.limiter
    }

    pub(crate) fn protection_space(&self) -> ProtectionSpace<'_> {
        ProtectionSpace {
            realm: &self.0.settings.realm,
            resource_metadata: self.0.settings.resource_metadata.as_deref(),
        }
    }
}

/// No part is shown: some hold keys.
impl std::fmt::Debug for Security {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Security").finish_non_exhaustive()
    }
}
