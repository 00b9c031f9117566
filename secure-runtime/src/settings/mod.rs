//! What an operator decides: addresses, certificates, issuers of tokens.
//!
//! [`Settings::load`] reads `secure.toml` and lets the environment override it. Everything that
//! is wrong is reported at once, names the key, and never shows a value.
//!
//! ```toml
//! realm = "shop"                          # in the challenges of 401 answers
//!
//! [server]
//! address = "0.0.0.0:8443"
//!
//! [tls]
//! certificate = "/etc/shop/chain.pem"
//! private_key = "/etc/shop/key.pem"
//!
//! [[issuers]]
//! issuer = "https://id.example.com"
//! audience = "https://shop.example.com"
//! roles = ["realm_access.roles"]
//!
//! [[issuers.keys]]
//! id = "2026-11"
//! algorithm = "EdDSA"
//! public_key_file = "/etc/shop/id.pem"
//! ```
//!
//! An environment variable is the key in upper case after `SECURE__`, with `__` for each dot and
//! each index: `SECURE__SERVER__ADDRESS=127.0.0.1:9443`, `SECURE__ISSUERS__0__AUDIENCE=shop`.
//! A list is separated by commas. Relative paths start in the working directory.

mod bans;
mod check;
mod environment;
mod keys;
mod listen;
mod login;
mod passwords;
mod read;
mod redis;
mod sections;
mod token_issuer;
mod units;

#[cfg(test)]
mod tests;

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    num::{NonZeroU32, NonZeroUsize},
    path::{Path, PathBuf},
    time::Duration,
};

pub use self::bans::{BanRuleSettings, BanSettings};
use self::environment::Environment;
pub use self::keys::{
    Algorithm, IssuerSettings, KeyMaterial, KeySettings, KeySource, UnknownAlgorithm,
};
pub(crate) use self::keys::{read, warn_if_open_to_others};
pub(crate) use self::listen::MAX_WORKERS;
pub use self::listen::{
    ListenAddress, NotAProxy, NotASocketMode, NotAnAddress, SocketMode, TrustedProxy,
};
pub use self::login::LoginSettings;
pub use self::passwords::PasswordSettings;
pub use self::redis::{RedisSettings, RedisUrl};
pub use self::token_issuer::{
    ClientSettings, PrivateKeySource, SigningAlgorithm, SigningKeySettings, TokenIssuerSettings,
};
pub use crate::address::Ipv6Prefix;
use crate::error::{Error, Mistake, Mistakes};

/// The file that [`Settings::load`] reads where `SECURE_SETTINGS` names no other.
const DEFAULT_FILE: &str = "secure.toml";

/// Everything that is configured at run time.
///
/// Made by [`load`](Self::load) from a file and the environment, or by hand:
///
/// ```
/// use secure_runtime::{Settings, settings::TlsSettings};
///
/// let mut settings = Settings::default();
/// settings.tls = Some(TlsSettings::Development);
/// settings.realm = "shop".to_owned();
/// settings.check()?;
/// # Ok::<(), secure_runtime::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// What 401 answers call this service. Default: `api`.
    pub realm: String,
    /// URL of the protected resource metadata (RFC 9728) that 401 answers point to.
    pub resource_metadata: Option<String>,
    /// `[server]`: where and how the server listens.
    pub server: ServerSettings,
    /// `[tls]`: the certificate. Required unless a proxy ends TLS.
    pub tls: Option<TlsSettings>,
    /// `[client_address]`: whom to believe about the address of a client.
    pub client_address: ClientAddressSettings,
    /// `[[issuers]]`: whose access tokens are taken.
    pub issuers: Vec<IssuerSettings>,
    /// `[tokens]`: how they are verified.
    pub tokens: TokenSettings,
    /// `[limits]`: bounds of the rate limiter, and of what is in progress at a time.
    pub limits: LimitSettings,
    /// `[bans]`: addresses that are refused for a time.
    pub bans: BanSettings,
    /// `[login]`: what follows from failed logins.
    pub login: LoginSettings,
    /// `[redis]`: what processes of one service share. Default: nothing.
    pub redis: Option<RedisSettings>,
    /// `[revocation]`: where revoked tokens are remembered.
    pub revocation: RevocationSettings,
    /// `[token_issuer]`: the tokens that this service issues itself. Default: none.
    pub token_issuer: Option<TokenIssuerSettings>,
    /// `[[clients]]`: who may revoke and introspect those over HTTP.
    pub clients: Vec<ClientSettings>,
    /// `[passwords]`: how they are hashed, and which are taken.
    pub passwords: PasswordSettings,
    /// `[danger]`: what gives protection up.
    pub danger: DangerSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            realm: "api".to_owned(),
            resource_metadata: None,
            server: ServerSettings::default(),
            tls: None,
            client_address: ClientAddressSettings::default(),
            issuers: Vec::new(),
            tokens: TokenSettings::default(),
            limits: LimitSettings::default(),
            bans: BanSettings::default(),
            login: LoginSettings::default(),
            redis: None,
            revocation: RevocationSettings::default(),
            token_issuer: None,
            clients: Vec::new(),
            passwords: PasswordSettings::default(),
            danger: DangerSettings::default(),
        }
    }
}

/// `[server]`
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerSettings {
    /// Where to listen. Default: `127.0.0.1:8443`, which other machines cannot reach.
    ///
    /// A socket file is made anew where a server that ended has left one, and removed in the end.
    /// It carries no TLS: `transport` must be `behind_proxy`, and `client_address.trusted_proxies`
    /// must have `unix`.
    pub address: ListenAddress,
    /// Who may access the socket file, where `address` is one. Default: `660`.
    pub socket_mode: Option<SocketMode>,
    /// Each connection begins with a PROXY protocol header (version 1 or 2) of a trusted proxy,
    /// which tells the address of its peer; any other is closed. For load balancers that pass TCP
    /// on. Default: `false`.
    pub proxy_protocol: bool,
    /// Who ends TLS. Default: this server.
    pub transport: Transport,
    /// Threads that serve requests, at most 512. Default: one for each core.
    pub workers: Option<NonZeroUsize>,
    /// How long requests in progress may take when the server stops. Default: 30 s.
    pub shutdown_timeout: Duration,
    /// How long a client may take to send the head of a request. Default: 5 s.
    pub header_timeout: Duration,
    /// Connections that one worker holds at a time; further ones wait. Default: 25,000.
    ///
    /// Each takes two file descriptors. At start the soft limit of the process is raised as far as
    /// they need it and the hard limit allows; where that is not enough, fewer are taken.
    /// Programs that the process starts inherit the raised limit.
    pub max_connections: Option<NonZeroUsize>,
    /// Connections that one client may hold at a time, over all workers, handshakes that have not
    /// ended among them; further ones are closed at once, before TLS. Default: a quarter of all
    /// places, and 100 at least.
    ///
    /// So nobody holds every place from one address, and a load balancer that was not named in
    /// `client_address.trusted_proxies` hardly notices. A client is what quotas count as one: an
    /// IPv4 address, an IPv6 network, or all whose address is not known. Where `proxy_protocol` is
    /// set it is the address that the header tells. Trusted proxies have no bound of their own:
    /// they have the connections of all their clients. An address of this machine has it as any
    /// other.
    ///
    /// Refused where nobody could be told apart by it: at a socket file, and with
    /// `client_address.hops`.
    pub max_connections_per_client: Option<NonZeroUsize>,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 8443)).into(),
            socket_mode: None,
            proxy_protocol: false,
            transport: Transport::Https,
            workers: None,
            shutdown_timeout: Duration::from_secs(30),
            header_timeout: Duration::from_secs(5),
            max_connections: None,
            max_connections_per_client: None,
        }
    }
}

/// Who ends TLS: `server.transport`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport {
    /// `behind_proxy`: a trusted proxy, which says so with each request. The server listens
    /// without TLS, or with it where `[tls]` is given.
    BehindProxy,
    /// `https`: this server.
    Https,
}

/// `[tls]`
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsSettings {
    /// `development = true`: a self-signed certificate for this machine, made at start.
    Development,
    /// A certificate and its key.
    Files {
        /// Path of a PEM file: the server's certificate, then the intermediates.
        certificate: PathBuf,
        /// Path of a PEM file: the private key, not encrypted.
        private_key: PathBuf,
    },
}

/// `[client_address]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientAddressSettings {
    /// The proxies that are believed, by their networks; `unix` for a socket file. Default: none.
    pub trusted_proxies: Vec<TrustedProxy>,
    /// The only field that is read. Default: `x-forwarded-for`.
    pub header: ForwardedHeader,
    /// In place of networks: so many proxies stand before the service, whatever their addresses.
    /// Sound only where nobody can reach the service around them. Default: none.
    pub hops: Option<NonZeroUsize>,
    /// Bits of an IPv6 address that are counted as one client, 32 to 64. Default: 56.
    pub ipv6_prefix: Ipv6Prefix,
}

/// The field in which a proxy names its client: `client_address.header`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForwardedHeader {
    /// `forwarded` (RFC 7239).
    Forwarded,
    /// `x-forwarded-for`.
    #[default]
    XForwardedFor,
}

/// `[tokens]`
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenSettings {
    /// Tolerated difference between the issuer's clock and ours. Default: 60 s, at most 5 min.
    pub leeway: Duration,
    /// Longest time from `iat` to `exp` that is taken, and for which revocations are remembered.
    /// Raising it can make a token valid again that was revoked longer ago than the old value.
    /// Default: 24 h, at most 366 days.
    pub max_lifetime: Duration,
    /// Bytes that tokens may take in memory, so that they are not verified again: an eighth for
    /// those that were refused, the rest for those that were not; 0 verifies each time. Default:
    /// 32 MiB.
    pub cache: u64,
}

impl Default for TokenSettings {
    fn default() -> Self {
        Self {
            leeway: Duration::from_secs(60),
            max_lifetime: Duration::from_secs(24 * 60 * 60),
            cache: 32 << 20,
        }
    }
}

/// `[limits]`
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitSettings {
    /// Most addresses, and most callers, that are counted apart. Default: 1,000,000 of each.
    pub max_keys: NonZeroUsize,
    /// How many processes share the quotas, with `[redis]`: where it does not answer, each enforces
    /// its part of those of routes with `outage = "local"`. Default: the processes count
    /// themselves, and such a route refuses in one that was started while Redis was silent, or less
    /// than about four seconds before.
    pub instances: Option<NonZeroU32>,
    /// Most requests to guarded handlers that are in progress at a time. Default: 10,000.
    ///
    /// One is in progress until its answer was sent, or made where it has at most 64 KiB. Beyond
    /// it the answer is 503.
    pub max_in_flight: NonZeroUsize,
    /// Percent of these (rounded up) that only routes with `priority = "critical"` can take.
    /// Default: 10, at most 90.
    pub reserved_for_critical: u8,
    /// Which responses tell callers of their quotas. Default: all of them.
    pub fields: RateLimitFields,
}

/// Which responses have the fields `RateLimit` and `RateLimit-Policy`, on routes with quotas:
/// `limits.fields`. They are a help to callers, and nothing depends on them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RateLimitFields {
    /// `always`: all.
    #[default]
    Always,
    /// `never`: none. A refusal has `Retry-After` all the same.
    Never,
    /// `scarce`: those to callers who have at most half of a quota left, and refusals. Others have
    /// no need to slow down, and their responses cost less.
    Scarce,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            max_keys: crate::limit::DEFAULT_MAX_KEYS,
            instances: None,
            max_in_flight: crate::concurrency::DEFAULT_MAX_IN_FLIGHT,
            reserved_for_critical: crate::concurrency::DEFAULT_RESERVED_PERCENT,
            fields: RateLimitFields::default(),
        }
    }
}

/// `[revocation]`
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevocationSettings {
    /// File that keeps revocations across restarts, on a local disk and of this process alone.
    /// Default: none, and a restart forgets them, unless they are shared: see [`RedisSettings`].
    pub file: Option<PathBuf>,
    /// Most revocations that are held; beyond that none can be made. Default: 1,000,000.
    pub max_entries: NonZeroUsize,
}

impl Default for RevocationSettings {
    fn default() -> Self {
        Self {
            file: None,
            max_entries: crate::revocation::DEFAULT_MAX_ENTRIES,
        }
    }
}

/// `[danger]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DangerSettings {
    /// Serves HTTP: everybody on the way reads tokens and data. For a developer's own machine.
    pub plaintext: bool,
    /// Lets `[passwords]` go below the cost that OWASP asks for. For tests that hash many.
    pub weak_password_hashing: bool,
}

impl Settings {
    /// Reads `secure.toml`, or the file that the environment variable `SECURE_SETTINGS` names,
    /// and lets the variables that begin with `SECURE__` override it.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`] lists every mistake. That there is no `secure.toml` is none; that
    /// there is no file of the name in `SECURE_SETTINGS` is one.
    pub fn load() -> Result<Self, Error> {
        Self::load_from(Path::new("."), std::env::vars_os())
    }

    fn load_from(
        folder: &Path,
        variables: impl Iterator<Item = (std::ffi::OsString, std::ffi::OsString)>,
    ) -> Result<Self, Error> {
        let environment = Environment::new(variables)?;
        let named = environment.file();
        let path = named.unwrap_or_else(|| Path::new(DEFAULT_FILE));
        let text = match fs::read_to_string(folder.join(path)) {
            Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                let mut mistake = Mistake::new(
                    "",
                    match named {
                        Some(_) => {
                            format!("the file that `SECURE_SETTINGS` names cannot be read: {error}")
                        }
                        None => format!("the file cannot be read: {error}"),
                    },
                );
                mistake.found_in(path.display().to_string());
                return Err(Error::Settings(mistake.into()));
            }
            Ok(text) => Some(text),
        };
        Self::merge(
            text.as_deref(),
            Some(&path.display().to_string()),
            environment,
        )
    }

    /// Reads settings from text, without the environment.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`] lists every mistake.
    ///
    /// ```
    /// use secure_runtime::Settings;
    ///
    /// let settings = Settings::from_toml("[tls]\ndevelopment = true")?;
    /// assert_eq!(settings.realm, "api");
    /// # Ok::<(), secure_runtime::Error>(())
    /// ```
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        Self::merge(Some(text), None, Environment::default())
    }

    fn merge(
        text: Option<&str>,
        file: Option<&str>,
        environment: Environment,
    ) -> Result<Self, Error> {
        let read = || {
            let root = environment.over(text)?;
            let mut mistakes = Mistakes::default();
            let settings = sections::settings(root, &mut mistakes);
            check::check(&settings, &mut mistakes);
            mistakes.into_result(Error::Settings)?;
            Ok(settings)
        };
        read().map_err(|error| match error {
            Error::Settings(mut mistakes) => {
                for mistake in mistakes.iter_mut() {
                    let source = match environment.variable(mistake.key()) {
                        Some(variable) => Some(variable),
                        None => file.filter(|_| text.is_some()),
                    };
                    if let Some(source) = source.map(str::to_owned) {
                        mistake.found_in(source);
                    }
                }
                Error::Settings(mistakes)
            }
            other => other,
        })
    }

    /// Checks that these settings are complete and do not contradict themselves; the
    /// constructors that read have done so.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`] lists every mistake.
    pub fn check(&self) -> Result<(), Error> {
        let mut mistakes = Mistakes::default();
        check::check(self, &mut mistakes);
        mistakes.into_result(Error::Settings)
    }

    /// The part of [`check`](Self::check) that holds for settings made by hand as well: they may
    /// leave out what a server needs, but what they say of themselves goes into header fields, and
    /// the bounds of what is issued, guessed and hashed hold.
    pub(crate) fn check_parts(&self) -> Result<(), Error> {
        let mut mistakes = Mistakes::default();
        check::challenges(self, &mut mistakes);
        check::token_issuer(self, &mut mistakes);
        check::clients(self, &mut mistakes);
        login::check(self, &mut mistakes);
        passwords::check(self, &mut mistakes);
        mistakes.into_result(Error::Settings)
    }
}
