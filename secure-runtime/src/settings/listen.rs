//! Where a server listens, and who is believed there.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    str::FromStr,
};

use ipnet::IpNet;

use super::{Settings, Transport};
use crate::error::{Mistake, Mistakes};

/// The most workers that actix-server starts.
pub(crate) const MAX_WORKERS: usize = 512;

/// Where the server listens: `server.address`.
///
/// ```
/// use secure_runtime::settings::ListenAddress;
///
/// let socket: ListenAddress = "unix:/run/shop/api.sock".parse()?;
/// assert_eq!(socket, ListenAddress::Unix("/run/shop/api.sock".into()));
/// assert!("unix:api.sock".parse::<ListenAddress>().is_err());
/// # Ok::<(), secure_runtime::settings::NotAnAddress>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListenAddress {
    /// An address and a port of this machine.
    Tcp(SocketAddr),
    /// `unix:` and an absolute path: a socket file, for a proxy on the same machine.
    Unix(PathBuf),
}

impl ListenAddress {
    /// The path of the socket file, where it is one.
    pub fn unix(&self) -> Option<&Path> {
        match self {
            Self::Tcp(_) => None,
            Self::Unix(path) => Some(path),
        }
    }
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

/// The text is no address to listen on, or one that this system does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write an address and a port, as in `127.0.0.1:8443`, or `unix:/run/shop.sock`")]
#[non_exhaustive]
pub struct NotAnAddress;

impl FromStr for ListenAddress {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        match text.strip_prefix("unix:") {
            // What a relative path names depends on who starts the server.
            Some(path) if cfg!(unix) && path.starts_with('/') && !path.contains('\0') => {
                Ok(Self::Unix(path.into()))
            }
            Some(_) => Err(NotAnAddress),
            None => text.parse().map(Self::Tcp).map_err(|_| NotAnAddress),
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Who may access a socket file: `server.socket_mode`. Default: `660`, owner and group.
///
/// All other users of the machine are always kept out: who may write to the file is taken for
/// the proxy.
///
/// ```
/// use secure_runtime::settings::SocketMode;
///
/// assert_eq!("660".parse(), Ok(SocketMode::default()));
/// assert!("666".parse::<SocketMode>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketMode(u32);

impl SocketMode {
    /// The permission bits.
    pub const fn bits(self) -> u32 {
        self.0
    }
}

impl Default for SocketMode {
    fn default() -> Self {
        Self(0o660)
    }
}

/// The text is no mode of a socket file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write `600` for the owner alone, or `660` for the group as well")]
#[non_exhaustive]
pub struct NotASocketMode;

impl FromStr for SocketMode {
    type Err = NotASocketMode;

    fn from_str(text: &str) -> Result<Self, NotASocketMode> {
        match text {
            "600" => Ok(Self(0o600)),
            "660" => Ok(Self(0o660)),
            _ => Err(NotASocketMode),
        }
    }
}

/// A proxy that is believed: `client_address.trusted_proxies`.
///
/// ```
/// use secure_runtime::settings::TrustedProxy;
///
/// let network: TrustedProxy = "10.0.0.0/8".parse()?;
/// assert_eq!("unix".parse(), Ok(TrustedProxy::Unix));
/// # Ok::<(), secure_runtime::settings::NotAProxy>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrustedProxy {
    /// The proxies with addresses of this network.
    Network(IpNet),
    /// `unix`: whoever connects to the socket file.
    Unix,
}

impl TrustedProxy {
    /// The network, where it is one.
    pub(crate) fn network(self) -> Option<IpNet> {
        match self {
            Self::Network(network) => Some(network),
            Self::Unix => None,
        }
    }
}

impl From<IpNet> for TrustedProxy {
    fn from(network: IpNet) -> Self {
        Self::Network(network)
    }
}

/// The text names no proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a list of networks, as in `[\"10.0.0.0/8\", \"::1\"]`, or `unix`")]
#[non_exhaustive]
pub struct NotAProxy;

impl FromStr for TrustedProxy {
    type Err = NotAProxy;

    fn from_str(text: &str) -> Result<Self, NotAProxy> {
        if text == "unix" {
            return Ok(Self::Unix);
        }
        let network = text.parse::<IpNet>();
        network
            .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
            .map(Self::Network)
            .map_err(|_| NotAProxy)
    }
}

/// What would be said in vain, or believed of anybody.
pub(super) fn check(settings: &Settings, mistakes: &mut Mistakes) {
    // A socket file carries no TLS, and no address.
    socket_file(settings, mistakes);
    // What is said of a socket file would be said in vain.
    no_socket_file(settings, mistakes);
    // Who may say where a connection comes from is known by its address.
    proxy_protocol(settings, mistakes);
    // Every peer is a proxy there, and proxies have no such bound.
    connections_of_clients(settings, mistakes);
    // There is no server of so many.
    workers(settings, mistakes);
    // To trust every address is to let clients choose theirs.
    trusted_proxies(settings, mistakes);
}

fn socket_file(settings: &Settings, mistakes: &mut Mistakes) {
    if settings.server.address.unix().is_none() {
        return;
    }
    if settings.server.transport == Transport::Https || settings.tls.is_some() {
        mistakes.add(Mistake::new(
            "server.transport",
            "a socket file carries no TLS; write `behind_proxy`, and leave `[tls]` out",
        ));
    }
    let proxies = &settings.client_address.trusted_proxies;
    if !proxies.contains(&TrustedProxy::Unix) {
        mistakes.add(Mistake::new(
            "client_address.trusted_proxies",
            "the proxy at the socket file is not trusted, so nobody can say that a request came \
             by HTTPS; add `unix`",
        ));
    }
}

fn no_socket_file(settings: &Settings, mistakes: &mut Mistakes) {
    if settings.server.address.unix().is_some() {
        return;
    }
    if settings.server.socket_mode.is_some() {
        mistakes.add(Mistake::new(
            "server.socket_mode",
            "`server.address` is no socket file; remove this, or write `unix:` and a path there",
        ));
    }
    let proxies = &settings.client_address.trusted_proxies;
    if proxies.contains(&TrustedProxy::Unix) {
        mistakes.add(Mistake::new(
            "client_address.trusted_proxies",
            "nothing listens at a socket file; remove `unix`, or write `unix:` and a path in \
             `server.address`",
        ));
    }
}

fn proxy_protocol(settings: &Settings, mistakes: &mut Mistakes) {
    if !settings.server.proxy_protocol {
        return;
    }
    let mut mistake = |problem| mistakes.add(Mistake::new("server.proxy_protocol", problem));
    if settings.server.address.unix().is_some() {
        mistake("a socket file has no PROXY protocol; remove one of the two");
    } else if networks(settings).next().is_none() {
        mistake(
            "nobody is trusted to tell where a connection comes from; write the load balancers' \
             networks in `client_address.trusted_proxies`",
        );
    }
}

fn workers(settings: &Settings, mistakes: &mut Mistakes) {
    let is_too_much = |workers: NonZeroUsize| workers.get() > MAX_WORKERS;
    if settings.server.workers.is_some_and(is_too_much) {
        let problem = format!("write a number up to {MAX_WORKERS}, as in `8`");
        mistakes.add(Mistake::new("server.workers", problem));
    }
}

fn connections_of_clients(settings: &Settings, mistakes: &mut Mistakes) {
    if settings.server.max_connections_per_client.is_none() {
        return;
    }
    let mut mistake =
        |problem| mistakes.add(Mistake::new("server.max_connections_per_client", problem));
    if settings.server.address.unix().is_some() {
        mistake("a socket file does not tell its clients apart; remove one of the two");
    } else if settings.client_address.hops.is_some() {
        mistake(
            "with `client_address.hops` every peer is a proxy, which has no such bound; remove this, \
             or write the proxies' networks in `client_address.trusted_proxies`",
        );
    }
}

fn trusted_proxies(settings: &Settings, mistakes: &mut Mistakes) {
    if networks(settings).any(|network| network.prefix_len() == 0) {
        mistakes.add(Mistake::new(
            "client_address.trusted_proxies",
            "a network of prefix length 0 trusts every client; write the proxies' own networks",
        ));
    }
    if settings.client_address.hops.is_some() && networks(settings).next().is_some() {
        mistakes.add(Mistake::new(
            "client_address.hops",
            "`trusted_proxies` has networks as well; remove one of the two",
        ));
    }
}

fn networks(settings: &Settings) -> impl Iterator<Item = IpNet> {
    let proxies = settings.client_address.trusted_proxies.iter();
    proxies.filter_map(|proxy| proxy.network())
}
