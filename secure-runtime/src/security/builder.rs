//! From settings to the configured parts.

use std::sync::Arc;

use super::{Parts, Security};
#[cfg(feature = "passwords")]
use crate::data::password::Passwords;
#[cfg(feature = "otp")]
use crate::otp::{OneTimeCodes, Used};
use crate::{
    address::{ClientAddresses, ForwardingHeader},
    audit::Floods,
    auth::{
        Authenticator, AuthenticatorOptions, EcdsaAlgorithm, HmacAlgorithm, Issuer, RsaAlgorithm,
        VerifyingKey,
    },
    bans::BanList,
    clock::Clock,
    concurrency::Concurrency,
    error::{Error, Mistake, Mistakes},
    limit::RateLimiter,
    login::{LoginOptions, Logins},
    rejection::Challenges,
    revocation::{RevocationList, RevocationOptions},
    settings::{
        Algorithm, ClientAddressSettings, ForwardedHeader, KeyMaterial, KeySettings, Settings,
        TrustedProxy,
    },
    tokens::{self, Clients},
};
#[cfg(feature = "redis")]
use crate::{
    settings::RedisSettings,
    store::{Store, Target},
};

/// Puts a [`Security`] together in code.
#[derive(Debug)]
pub struct SecurityBuilder {
    clock: Clock,
    issuers: Vec<Issuer>,
    settings: Settings,
}

impl SecurityBuilder {
    /// Default settings and no issuer.
    pub(super) fn new() -> Self {
        Self {
            clock: Clock::system(),
            issuers: Vec::new(),
            settings: Settings::default(),
        }
    }

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
        settings.check_parts()?;
        issuers.extend(configured_issuers(&settings)?);
        let token_issuer = settings
            .token_issuer
            .as_ref()
            .map(|settings| tokens::Prepared::new(settings).map(|keys| (settings, keys)))
            .transpose()
            .map_err(Error::Settings)?;
        let mut max_session = std::time::Duration::ZERO;
        if let Some((settings, prepared)) = &token_issuer {
            issuers.push(prepared.issuer());
            max_session = settings.absolute_lifetime;
        }
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
        let concurrency = Concurrency::new(
            settings.limits.max_in_flight,
            settings.limits.reserved_for_critical,
        );
        let addresses = client_addresses(&settings.client_address)?.with_clock(clock.clone());
        let addresses = Arc::new(addresses);
        #[cfg(feature = "redis")]
        let store = shared_store(settings.redis.as_ref())?;
        let bans = BanList::new(
            clock.clone(),
            Arc::clone(&addresses),
            settings.client_address.ipv6_prefix,
            &settings.bans,
            #[cfg(feature = "redis")]
            store.clone(),
        );
        let max_keys = settings.limits.max_keys.get();
        #[cfg(feature = "redis")]
        let limiter = match store.clone() {
            Some(store) => {
                RateLimiter::shared(clock.clone(), max_keys, store, settings.limits.instances)
            }
            None => RateLimiter::new(clock.clone(), max_keys),
        };
        #[cfg(not(feature = "redis"))]
        let limiter = RateLimiter::new(clock.clone(), max_keys);
        let limiter = limiter
            .map_err(|error| wrong("limits", error))?
            .with_ipv6_prefix(settings.client_address.ipv6_prefix)
            .with_fields(settings.limits.fields);
        let secret = settings.login.load_secret();
        let secret = secret.map_err(|mistake| Error::Settings(mistake.within("login").into()))?;
        let logins = Logins::new(LoginOptions {
            clock: clock.clone(),
            settings: &settings.login,
            ipv6_prefix: settings.client_address.ipv6_prefix,
            secret,
            #[cfg(feature = "redis")]
            store: store.clone(),
        })
        .map_err(|error| wrong("login", error))?;
        #[cfg(feature = "otp")]
        let one_time_codes = {
            #[cfg(feature = "redis")]
            let used = store.clone().map_or_else(Used::in_memory, Used::shared);
            #[cfg(not(feature = "redis"))]
            let used = Used::in_memory();
            OneTimeCodes::new(clock.clone(), &settings.realm, used)
        };
        #[cfg(feature = "redis")]
        let server = store.as_ref().map(|store| Arc::clone(store.server()));
        let revocations = RevocationList::open(
            clock.clone(),
            RevocationOptions {
                file: settings.revocation.file.clone(),
                leeway: settings.tokens.leeway,
                max_entries: settings.revocation.max_entries.get(),
                max_lifetime: settings.tokens.max_lifetime,
                max_session,
                #[cfg(feature = "redis")]
                store,
            },
        )?;
        let start = |(settings, prepared): (_, tokens::Prepared)| {
            prepared.start(
                settings,
                revocations.clone(),
                #[cfg(feature = "redis")]
                server,
            )
        };
        let token_issuer = token_issuer
            .map(start)
            .transpose()
            .map_err(|error| wrong("token_issuer", error))?;
        Ok(Security(Arc::new(Parts {
            addresses,
            authenticator,
            bans,
            challenges: Challenges::new(),
            clients: Clients::new(&settings.clients),
            clock,
            concurrency,
            floods: Floods::default(),
            limiter,
            logins,
            #[cfg(feature = "otp")]
            one_time_codes,
            #[cfg(feature = "passwords")]
            passwords: Passwords::new(&settings)
                .map_err(|mistake| Error::Settings(mistake.into()))?,
            revocations,
            token_issuer,
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
    let proxies = &settings.trusted_proxies;
    let networks: Vec<_> = proxies.iter().filter_map(|proxy| proxy.network()).collect();
    let addresses = match settings.hops {
        // As `Settings::check` says it, for settings that were made by hand: to count hops is to
        // believe peers of any address.
        Some(_) if !networks.is_empty() => {
            return Err(wrong(
                "client_address.hops",
                "`trusted_proxies` has networks as well; remove one of the two",
            ));
        }
        Some(hops) => ClientAddresses::behind_hops(hops.get(), header),
        None => ClientAddresses::behind(networks, header)
            .map_err(|error| wrong("client_address.trusted_proxies", error))?,
    };
    Ok(if proxies.contains(&TrustedProxy::Unix) {
        addresses.trusting_unknown_peer()
    } else {
        addresses
    })
}
