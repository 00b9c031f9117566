//! Which address a request came from.
//!
//! Behind a proxy the peer of the connection is the proxy, and the client's address stands in a
//! header that anybody can write. [`ClientAddresses`] believes a header only as far as it was
//! written by proxies that the operator named: it starts at the peer and walks the header from
//! the right, and the first address that is not a trusted proxy is the client. What stands to
//! the left of that address was written by the client, and is never looked at.

mod forwarding;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::atomic::{AtomicBool, Ordering},
};

use actix_web::http::header::{self, HeaderMap, HeaderName};
use ipnet::{IpNet, Ipv4Net};

use self::forwarding::{Hop, Values};

/// Bits of an IPv6 address that identify a client: what one subscriber is commonly given.
///
/// A client with a whole network must not count as many.
const IPV6_PREFIX: u8 = 56;

/// Most entries of a header that are looked at. More proxies in a row than this do not exist.
const MAX_HOPS: usize = 32;

/// Where a request came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientAddress {
    /// This address. IPv4 addresses are never written as IPv6 (`::ffff:192.0.2.1`) here.
    Known(IpAddr),
    /// It cannot be known: the connection has no address, or a trusted proxy did not tell.
    ///
    /// All such requests count as one client, and no rule that favours an address matches.
    Unknown,
}

impl From<IpAddr> for ClientAddress {
    fn from(address: IpAddr) -> Self {
        Self::Known(address.to_canonical())
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(address) => address.fmt(f),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

impl ClientAddress {
    /// What is counted as one client: an IPv4 address, an IPv6 network of 56 bits, or all
    /// clients whose address is not known.
    pub(crate) fn network(self) -> Network {
        match self {
            Self::Known(address) => match address.to_canonical() {
                IpAddr::V4(v4) => Network((u64::from(v4.to_bits()) << 8) | Network::V4),
                IpAddr::V6(v6) => {
                    let high = u64::try_from(v6.to_bits() >> 64).unwrap_or_default();
                    Network(((high >> (64 - IPV6_PREFIX)) << 8) | Network::V6)
                }
            },
            Self::Unknown => Network::default(),
        }
    }
}

/// What is counted as one client; see [`ClientAddress::network`].
///
/// Eight bytes, because a limiter keeps a million of them: the low byte tells the kind, the
/// bits above it are the IPv4 address or the IPv6 prefix.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Network(u64);

impl Network {
    const V4: u64 = 4;
    const V6: u64 = 6;
}

impl Network {
    /// As a network; `None` for clients whose address is not known.
    pub(crate) fn to_net(self) -> Option<IpNet> {
        let (address, bits) = match self.0 & 0xff {
            // The casts keep the 32 bits that `network` put there.
            Self::V4 => (Ipv4Addr::from_bits((self.0 >> 8) as u32).into(), 32),
            Self::V6 => {
                let high = (self.0 >> 8) << (64 - IPV6_PREFIX);
                let address = Ipv6Addr::from_bits(u128::from(high) << 64);
                (address.into(), IPV6_PREFIX)
            }
            _ => return None,
        };
        IpNet::new(address, bits).ok()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_net() {
            Some(IpNet::V4(v4)) => v4.addr().fmt(f),
            Some(IpNet::V6(v6)) => v6.fmt(f),
            None => f.write_str("unknown"),
        }
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The one header in which trusted proxies write whom they forward for.
///
/// Only one is believed: a proxy that writes one of them passes the other through as the client
/// sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardingHeader {
    /// `Forwarded` (RFC 7239).
    Forwarded,
    /// `X-Forwarded-For`, with `X-Forwarded-Proto` beside it.
    XForwardedFor,
}

impl ForwardingHeader {
    fn name(self) -> HeaderName {
        match self {
            Self::Forwarded => header::FORWARDED,
            Self::XForwardedFor => header::X_FORWARDED_FOR,
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Forwarded => Self::XForwardedFor,
            Self::XForwardedFor => Self::Forwarded,
        }
    }
}

/// Finds the client's address. Without trusted proxies it is the peer of the connection.
///
/// ```
/// use secure_runtime::{ClientAddresses, ForwardingHeader};
///
/// let direct = ClientAddresses::direct();
/// let behind_proxies = ClientAddresses::behind(
///     vec!["10.0.0.0/8".parse()?, "2001:db8:7::/48".parse()?],
///     ForwardingHeader::XForwardedFor,
/// )?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ClientAddresses {
    trust: Trust,
    header: ForwardingHeader,
    trust_unknown_peer: bool,
    warned: Warned,
}

#[derive(Debug)]
enum Trust {
    /// This many proxies stand before the service, whatever their addresses.
    Hops(usize),
    /// Proxies with these addresses; none at all if empty.
    Networks(Vec<IpNet>),
}

/// A trusted network that holds every address: each client could name the address it likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a trusted proxy network of prefix length 0 trusts every client")]
pub struct TrustsEveryone;

/// Which of the operator's likely mistakes were logged already: each is logged once.
#[derive(Debug, Default)]
struct Warned {
    conflict: AtomicBool,
    untrusted: AtomicBool,
}

impl ClientAddresses {
    /// Clients connect to the service itself; no header is believed.
    pub fn direct() -> Self {
        Self::new(Trust::Networks(Vec::new()), ForwardingHeader::XForwardedFor)
    }

    /// Clients come through proxies with these addresses, which write this header.
    ///
    /// # Errors
    ///
    /// A network of prefix length 0 is refused.
    pub fn behind(proxies: Vec<IpNet>, header: ForwardingHeader) -> Result<Self, TrustsEveryone> {
        let proxies: Vec<_> = proxies.into_iter().map(canonical_network).collect();
        if proxies.iter().any(|network| network.prefix_len() == 0) {
            return Err(TrustsEveryone);
        }
        Ok(Self::new(Trust::Networks(proxies), header))
    }

    /// Clients come through exactly this many proxies of any address, which write this header.
    ///
    /// This is for proxies whose addresses are not known. It is sound only where nobody can
    /// reach the service around them: who can is believed whatever he writes. Zero proxies are
    /// the same as [`direct`](Self::direct).
    pub fn behind_hops(hops: usize, header: ForwardingHeader) -> Self {
        let trust = match hops {
            0 => Trust::Networks(Vec::new()),
            hops => Trust::Hops(hops),
        };
        Self::new(trust, header)
    }

    /// A connection without an address (a Unix socket) comes from a trusted proxy.
    pub fn trusting_unknown_peer(mut self) -> Self {
        self.trust_unknown_peer = true;
        self
    }

    fn new(trust: Trust, header: ForwardingHeader) -> Self {
        Self {
            trust,
            header,
            trust_unknown_peer: false,
            warned: Warned::default(),
        }
    }

    /// The client's address.
    ///
    /// An entry that names no address (malformed, `unknown`, `_hidden`) ends the walk with
    /// [`ClientAddress::Unknown`]. The address of the proxy that wrote it would be the other
    /// choice, and is the worse one: a proxy is often in a network that rules favour, and a ban
    /// of it would hit everybody. A client cannot bring this about: the entry that ends the walk
    /// was written by a trusted proxy. A chain that consists of trusted proxies only ends at its
    /// left-most entry: the proxy itself is asking.
    pub(crate) fn client_address(
        &self,
        peer: Option<IpAddr>,
        headers: &HeaderMap,
    ) -> ClientAddress {
        if !self.trusts_peer(peer) {
            self.warn_if_untrusted(headers);
            return peer.map_or(ClientAddress::Unknown, ClientAddress::from);
        }
        let (address, _) = self.walk(peer, values(headers, self.header), self.header);
        self.warn_if_conflicting(peer, headers, address);
        address
    }

    /// The address of a client that may be refused for its address: one that is known, and is not
    /// a trusted proxy that asks for itself.
    pub(crate) fn bannable(&self, peer: Option<IpAddr>, address: ClientAddress) -> Option<IpAddr> {
        let ClientAddress::Known(address) = address else {
            return None;
        };
        let is_peer = peer.is_some_and(|peer| peer.to_canonical() == address);
        let is_trusted = self.is_proxy(address) || (is_peer && self.trusts_peer(peer));
        (!is_trusted).then_some(address)
    }

    /// Whether `network` has an address of a trusted proxy, as far as these are known.
    pub(crate) fn has_proxy_in(&self, network: &IpNet) -> bool {
        match &self.trust {
            Trust::Hops(_) => false,
            Trust::Networks(networks) => networks
                .iter()
                .any(|trusted| trusted.contains(network) || network.contains(trusted)),
        }
    }

    /// Whether a trusted proxy says that the client came by HTTPS; `None` if none says anything.
    ///
    /// With `Forwarded` it is the `proto` of the entry that named the client; else it is the
    /// right-most value of the right-most `X-Forwarded-Proto`, which the nearest proxy must set
    /// or replace.
    pub(crate) fn forwarded_https(
        &self,
        peer: Option<IpAddr>,
        headers: &HeaderMap,
    ) -> Option<bool> {
        if !self.trusts_peer(peer) {
            return None;
        }
        match self.header {
            ForwardingHeader::Forwarded => {
                self.walk(peer, values(headers, self.header), self.header).1
            }
            ForwardingHeader::XForwardedFor => {
                let value = headers.get_all("x-forwarded-proto").next_back()?;
                let last = value.as_bytes().rsplit(|&byte| byte == b',').next()?;
                Some(last.trim_ascii().eq_ignore_ascii_case(b"https"))
            }
        }
    }

    fn trusts_peer(&self, peer: Option<IpAddr>) -> bool {
        match (&self.trust, peer) {
            (Trust::Networks(networks), _) if networks.is_empty() => false,
            (_, None) => self.trust_unknown_peer,
            (Trust::Hops(_), Some(_)) => true,
            (Trust::Networks(_), Some(peer)) => self.is_proxy(peer),
        }
    }

    fn is_proxy(&self, address: IpAddr) -> bool {
        match &self.trust {
            Trust::Hops(_) => false,
            Trust::Networks(networks) => {
                let address = address.to_canonical();
                networks.iter().any(|network| network.contains(&address))
            }
        }
    }

    /// Walks from a trusted peer to the client, and tells the `proto` of the last entry seen.
    fn walk<'a>(
        &self,
        peer: Option<IpAddr>,
        values: impl DoubleEndedIterator<Item = &'a [u8]>,
        header: ForwardingHeader,
    ) -> (ClientAddress, Option<bool>) {
        let mut found = (
            peer.map_or(ClientAddress::Unknown, ClientAddress::from),
            None,
        );
        let mut hops_walked = 0;
        for (seen, entry) in Values::new(values).enumerate() {
            if seen == MAX_HOPS {
                return (ClientAddress::Unknown, None);
            }
            // An empty list element counts for nothing (RFC 9110 section 5.6.1.2).
            if entry.is_empty() {
                continue;
            }
            let hop = Hop::parse(entry, header);
            let address = hop
                .address
                .map_or(ClientAddress::Unknown, ClientAddress::from);
            found = (address, hop.https);
            hops_walked += 1;
            let goes_on = match (&self.trust, address) {
                (_, ClientAddress::Unknown) => false,
                (Trust::Hops(hops), ClientAddress::Known(_)) => hops_walked < *hops,
                (Trust::Networks(_), ClientAddress::Known(address)) => self.is_proxy(address),
            };
            if !goes_on {
                break;
            }
        }
        found
    }

    fn warn_if_untrusted(&self, headers: &HeaderMap) {
        if self.warned.untrusted.load(Ordering::Relaxed) {
            return;
        }
        let sent = [ForwardingHeader::Forwarded, ForwardingHeader::XForwardedFor]
            .into_iter()
            .find(|header| headers.contains_key(header.name()));
        if let Some(header) = sent {
            self.warned.untrusted.store(true, Ordering::Relaxed);
            tracing::warn!(
                code = "forwarding_header_ignored",
                header = %header.name(),
                "a peer that is no trusted proxy sent a forwarding header; \
                 if it is your proxy, add its address to the trusted proxies"
            );
        }
    }

    fn warn_if_conflicting(&self, peer: Option<IpAddr>, headers: &HeaderMap, found: ClientAddress) {
        let other = self.header.other();
        if self.warned.conflict.load(Ordering::Relaxed) || !headers.contains_key(other.name()) {
            return;
        }
        if self.walk(peer, values(headers, other), other).0 != found {
            self.warned.conflict.store(true, Ordering::Relaxed);
            tracing::warn!(
                code = "forwarding_headers_conflict",
                believed = %self.header.name(),
                ignored = %other.name(),
                "a trusted proxy sent two forwarding headers that name different clients"
            );
        }
    }
}

fn values(headers: &HeaderMap, header: ForwardingHeader) -> impl DoubleEndedIterator<Item = &[u8]> {
    headers.get_all(header.name()).map(|value| value.as_bytes())
}

/// `::ffff:10.0.0.0/104` as `10.0.0.0/8`: addresses are compared in that form.
pub(crate) fn canonical_network(network: IpNet) -> IpNet {
    match (network.addr().to_canonical(), network.prefix_len()) {
        (IpAddr::V4(v4), bits @ 96..) => Ipv4Net::new(v4, bits - 96).map_or(network, IpNet::V4),
        _ => network,
    }
}
