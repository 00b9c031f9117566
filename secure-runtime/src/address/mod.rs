//! Which address a request came from.
//!
//! Behind a proxy the peer of the connection is the proxy, and the client's address stands in a
//! header that anybody can write. [`ClientAddresses`] believes a header only as far as it was
//! written by proxies that the operator named: it starts at the peer and walks the header from
//! the right, and the first address that is not a trusted proxy is the client. What stands to
//! the left of that address was written by the client, and is never looked at.

mod connection;
mod forwarding;
mod network;
mod notices;
mod proxies;
#[cfg(test)]
mod tests;

use std::{fmt, net::IpAddr};

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use ipnet::{IpNet, Ipv4Net};

pub use self::{connection::ClientConnection, network::Ipv6Prefix, notices::AddressCounts};
use self::{
    forwarding::{Hop, Values},
    notices::Notices,
    proxies::Proxies,
};
pub(crate) use self::{network::Network, notices::Notice};
use crate::clock::Clock;

/// Most entries of a header that are looked at. More proxies in a row than this do not exist.
const MAX_HOPS: usize = 32;

/// Where a request came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientAddress {
    /// This address. IPv4 addresses are never written as IPv6 (`::ffff:192.0.2.1`) here.
    ///
    /// That is the only form that is taken apart: the machine itself writes it where an IPv6
    /// socket takes an IPv4 connection. What NAT64 (`64:ff9b::/96`) and 6to4 (`2002::/16`)
    /// addresses hold was written by a translator or by the client, who would choose an IPv4
    /// address that way.
    Known(IpAddr),
    /// It cannot be known: the connection has no address, or a trusted proxy did not tell.
    ///
    /// All such requests count as one client, and no rule that favours an address matches.
    Unknown,
}

/// [`Unknown`](ClientAddress::Unknown) of an address that nobody can have: `0.0.0.0`, `::`,
/// multicast and broadcast.
impl From<IpAddr> for ClientAddress {
    fn from(address: IpAddr) -> Self {
        let address = address.to_canonical();
        let is_nobody = match address {
            IpAddr::V4(v4) => v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast(),
            IpAddr::V6(v6) => v6.is_unspecified() || v6.is_multicast(),
        };
        if is_nobody {
            Self::Unknown
        } else {
            Self::Known(address)
        }
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

/// Which forwarding headers a request has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) forwarded: bool,
    pub(crate) x_forwarded_for: bool,
}

impl Sent {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        Self {
            forwarded: headers.contains_key(header::FORWARDED),
            x_forwarded_for: headers.contains_key(header::X_FORWARDED_FOR),
        }
    }

    pub(crate) fn any(self) -> bool {
        self.forwarded || self.x_forwarded_for
    }

    fn has(self, header: ForwardingHeader) -> bool {
        match header {
            ForwardingHeader::Forwarded => self.forwarded,
            ForwardingHeader::XForwardedFor => self.x_forwarded_for,
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
    notices: Notices,
}

#[derive(Debug)]
enum Trust {
    /// This many proxies stand before the service, whatever their addresses.
    Hops(usize),
    /// Proxies with these addresses; none at all if empty.
    Networks(Proxies),
}

/// A trusted network that holds every address: each client could name the address it likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a trusted proxy network of prefix length 0 trusts every client")]
pub struct TrustsEveryone;

impl ClientAddresses {
    /// Clients connect to the service itself; no header is believed.
    pub fn direct() -> Self {
        Self::new(
            Trust::Networks(Proxies::default()),
            ForwardingHeader::XForwardedFor,
        )
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
        Ok(Self::new(Trust::Networks(Proxies::new(proxies)), header))
    }

    /// Clients come through exactly this many proxies of any address, which write this header.
    ///
    /// This is for proxies whose addresses are not known. It is sound only where nobody can
    /// reach the service around them: who can is believed whatever he writes. Zero proxies are
    /// the same as [`direct`](Self::direct).
    pub fn behind_hops(hops: usize, header: ForwardingHeader) -> Self {
        let trust = match hops {
            0 => Trust::Networks(Proxies::default()),
            hops => Trust::Hops(hops),
        };
        Self::new(trust, header)
    }

    /// A connection without an address (a Unix socket) comes from a trusted proxy.
    ///
    /// Whoever may write to the socket file is believed.
    pub fn trusting_unknown_peer(mut self) -> Self {
        self.trust_unknown_peer = true;
        self
    }

    fn new(trust: Trust, header: ForwardingHeader) -> Self {
        Self {
            trust,
            header,
            trust_unknown_peer: false,
            notices: Notices::new(Clock::system()),
        }
    }

    /// The same with another source of time.
    pub(crate) fn with_clock(mut self, clock: Clock) -> Self {
        self.notices = Notices::new(clock);
        self
    }

    /// How often something was wrong with an address, since the start.
    ///
    /// The log tells of each kind as well, at most once a minute.
    pub fn counts(&self) -> AddressCounts {
        self.notices.counts()
    }

    /// The client's address. Admission asks a request for it once, and hands it on.
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
        let peer = peer.map(ClientAddress::from);
        if !self.trusts(peer) {
            return peer.unwrap_or(ClientAddress::Unknown);
        }
        self.walk(peer, values(headers, self.header), self.header).0
    }

    /// Counts, and now and then logs, what is wrong with a request that came from `found` and has
    /// `sent` these headers. Once for each request.
    pub(crate) fn notice(
        &self,
        peer: Option<IpAddr>,
        headers: &HeaderMap,
        sent: Sent,
        found: ClientAddress,
    ) {
        let peer = peer.map(ClientAddress::from);
        let other = self.header.other();
        if !self.trusts(peer) {
            if let Some(header) = [self.header, other]
                .into_iter()
                .find(|&header| sent.has(header))
            {
                self.notices.header_ignored(header);
            }
            return;
        }
        if found == ClientAddress::Unknown {
            self.notices.unknown(self.header);
        }
        if sent.has(other) && self.walk(peer, values(headers, other), other).0 != found {
            self.notices.headers_conflict(self.header);
        }
    }

    /// Counts, and now and then logs, that a connection was closed because nobody who is
    /// believed told where it comes from.
    pub(crate) fn notice_refused(&self, reason: &dyn fmt::Display) {
        self.notices.connection_refused(reason);
    }

    /// Counts that a connection of a banned client was closed before TLS.
    pub(crate) fn notice_banned(&self) {
        self.notices.connection_banned();
    }

    /// Counts, and now and then logs, that a connection was closed because its client has as many
    /// as it may.
    pub(crate) fn notice_excess(&self, client: Network) {
        self.notices.connection_in_excess(client);
    }

    /// The address of a client that may be refused for its address: one that is known, and is not
    /// a trusted proxy that asks for itself.
    pub(crate) fn bannable(&self, peer: Option<IpAddr>, address: ClientAddress) -> Option<IpAddr> {
        let ClientAddress::Known(address) = address else {
            return None;
        };
        let is_peer = peer.is_some_and(|peer| peer.to_canonical() == address);
        let is_trusted =
            self.is_proxy(address) || (is_peer && self.trusts(peer.map(ClientAddress::from)));
        (!is_trusted).then_some(address)
    }

    /// Whether `network` has an address of a trusted proxy, as far as these are known.
    pub(crate) fn has_proxy_in(&self, network: &IpNet) -> bool {
        match &self.trust {
            Trust::Hops(_) => false,
            Trust::Networks(proxies) => proxies.meet(network),
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
        let peer = peer.map(ClientAddress::from);
        if !self.trusts(peer) {
            return None;
        }
        match self.header {
            ForwardingHeader::Forwarded => {
                self.walk(peer, values(headers, self.header), self.header).1
            }
            ForwardingHeader::XForwardedFor => {
                let value = headers.get_all(header::X_FORWARDED_PROTO).next_back()?;
                let last = value.as_bytes().rsplit(|&byte| byte == b',').next()?;
                Some(last.trim_ascii().eq_ignore_ascii_case(b"https"))
            }
        }
    }

    /// Whether the peer is a proxy that is believed; `None` where the connection has no address.
    pub(crate) fn trusts(&self, peer: Option<ClientAddress>) -> bool {
        match (peer, &self.trust) {
            (None, _) => self.trust_unknown_peer,
            // A load balancer that does not tell an address is not to be taken for a proxy.
            (Some(ClientAddress::Unknown), _) => false,
            (Some(ClientAddress::Known(_)), Trust::Hops(_)) => true,
            (Some(ClientAddress::Known(peer)), Trust::Networks(proxies)) => proxies.have(peer),
        }
    }

    /// Whether this is the address of a proxy that was named.
    pub(crate) fn is_proxy(&self, address: IpAddr) -> bool {
        match &self.trust {
            Trust::Hops(_) => false,
            Trust::Networks(proxies) => proxies.have(address.to_canonical()),
        }
    }

    /// Walks from a trusted peer to the client, and tells the `proto` of the last entry seen.
    fn walk<'a>(
        &self,
        peer: Option<ClientAddress>,
        values: impl DoubleEndedIterator<Item = &'a [u8]>,
        header: ForwardingHeader,
    ) -> (ClientAddress, Option<bool>) {
        let mut found = (peer.unwrap_or(ClientAddress::Unknown), None);
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
                (Trust::Networks(proxies), ClientAddress::Known(address)) => proxies.have(address),
            };
            if !goes_on {
                break;
            }
        }
        found
    }
}

fn values(headers: &HeaderMap, header: ForwardingHeader) -> impl DoubleEndedIterator<Item = &[u8]> {
    headers.get_all(header.name()).map(HeaderValue::as_bytes)
}

/// `::ffff:10.0.0.0/104` as `10.0.0.0/8`: addresses are compared in that form.
pub(crate) fn canonical_network(network: IpNet) -> IpNet {
    match (network.addr().to_canonical(), network.prefix_len()) {
        (IpAddr::V4(v4), bits @ 96..) => Ipv4Net::new(v4, bits - 96).map_or(network, IpNet::V4),
        _ => network,
    }
}
