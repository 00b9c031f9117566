//! Where a server listens, and who is believed there.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    str::FromStr,
};

use ipnet::IpNet;

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
