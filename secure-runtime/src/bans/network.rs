//! What can be banned: a network, in the form in which it is looked up.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::address::{ClientAddress, Ipv6Prefix, canonical_network};

/// A wider network is not banned: an `/8` of IPv4 is 16 million addresses.
pub(super) const WIDEST_V4: u8 = 8;
/// The widest networks that registries give to anybody are smaller than this.
pub(super) const WIDEST_V6: u8 = 16;

/// A network to ban: made of an [`IpNet`], or of an address.
///
/// An IPv6 address stands for its network of [`client_address.ipv6_prefix`] bits, which is counted
/// as one client; an `IpNet` is taken as it is. IPv4 addresses that are written as IPv6 are IPv4 addresses.
///
/// [`client_address.ipv6_prefix`]: crate::settings::ClientAddressSettings::ipv6_prefix
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BanTarget(Wanted);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Wanted {
    /// What is counted as one client with this address.
    Client(IpAddr),
    Network(IpNet),
}

impl BanTarget {
    /// The network, without bits beyond its prefix. An IPv6 address stands for `prefix` bits.
    pub(super) fn network(self, prefix: Ipv6Prefix) -> IpNet {
        match self.0 {
            Wanted::Client(address) => {
                let client = ClientAddress::from(address).network(prefix);
                client
                    .to_net(prefix)
                    .unwrap_or_else(|| IpNet::from(address))
            }
            Wanted::Network(network) => network,
        }
    }
}

/// Whether a network holds more addresses than anybody bans on purpose.
pub(super) fn is_too_wide(network: &IpNet) -> bool {
    match network {
        IpNet::V4(v4) => v4.prefix_len() < WIDEST_V4,
        IpNet::V6(v6) => v6.prefix_len() < WIDEST_V6,
    }
}

/// Without bits beyond the prefix, and IPv4 where it was written as IPv6.
pub(super) fn canonical(network: IpNet) -> IpNet {
    canonical_network(network).trunc()
}

impl From<IpAddr> for BanTarget {
    fn from(address: IpAddr) -> Self {
        Self(Wanted::Client(address))
    }
}

impl From<IpNet> for BanTarget {
    fn from(network: IpNet) -> Self {
        Self(Wanted::Network(canonical(network)))
    }
}

impl fmt::Debug for BanTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Wanted::Client(address) => address.fmt(f),
            Wanted::Network(network) => network.fmt(f),
        }
    }
}

/// A network as the table knows it: its bits, and its family and length in one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    bits: u128,
    kind: Kind,
}

/// Family and prefix length: 0 to 127 are IPv6 networks of 1 to 128 bits, 128 to 159 are IPv4
/// networks of 1 to 32 bits. No network of 0 bits is banned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Kind(u8);

impl Kind {
    /// How many there are.
    pub(super) const COUNT: usize = 160;
    const V4: u8 = 128;

    /// Its place in a set of bits: which word, and the bit in it.
    pub(super) fn bit(self) -> (usize, u64) {
        (usize::from(self.0 / 64), 1 << (self.0 % 64))
    }

    pub(super) fn index(self) -> usize {
        usize::from(self.0)
    }

    fn of_v6(bits: u8) -> Self {
        Self(bits.clamp(1, 128) - 1)
    }

    fn of_v4(bits: u8) -> Self {
        Self(Self::V4 + bits.clamp(1, 32) - 1)
    }
}

/// A set of kinds, as bits of three words.
pub(super) type Kinds = [u64; 3];

impl Key {
    /// That of a [`canonical`] network.
    pub(super) fn new(network: IpNet) -> Self {
        match network {
            IpNet::V4(v4) => Self {
                bits: u128::from(v4.addr().to_bits()),
                kind: Kind::of_v4(v4.prefix_len()),
            },
            IpNet::V6(v6) => Self {
                bits: v6.addr().to_bits(),
                kind: Kind::of_v6(v6.prefix_len()),
            },
        }
    }

    pub(super) fn kind(self) -> Kind {
        self.kind
    }

    pub(super) fn to_net(self) -> IpNet {
        let length = self.kind.0 % Kind::V4 + 1;
        // INVARIANT: the lengths are those of `new`; an address alone is the narrower network.
        if self.kind.0 < Kind::V4 {
            let address = Ipv6Addr::from_bits(self.bits);
            Ipv6Net::new(address, length).map_or(IpNet::from(IpAddr::from(address)), IpNet::V6)
        } else {
            // The cast keeps the 32 bits that `new` put there.
            let address = Ipv4Addr::from_bits(self.bits as u32);
            Ipv4Net::new(address, length).map_or(IpNet::from(IpAddr::from(address)), IpNet::V4)
        }
    }

    /// The networks of these kinds in which `address` is, which must be canonical.
    pub(super) fn around(address: IpAddr, kinds: Kinds) -> impl Iterator<Item = Self> {
        let [low, high, v4] = kinds;
        let (bits, width, words) = match address {
            IpAddr::V4(address) => (u128::from(address.to_bits()), 32, [v4, 0]),
            IpAddr::V6(address) => (address.to_bits(), 128, [low, high]),
        };
        let first = if width == 32 { Kind::V4 } else { 0 };
        words
            .into_iter()
            .zip([0, 64])
            .flat_map(move |(word, from)| {
                Bits(word).map(move |bit| {
                    let bit = from + bit;
                    let beyond = width - 1 - u32::from(bit);
                    Self {
                        bits: bits >> beyond << beyond,
                        kind: Kind(first + bit),
                    }
                })
            })
    }
}

/// The places of the bits of a word that are set.
struct Bits(u64);

impl Iterator for Bits {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let place = self.0.trailing_zeros();
        // Removes the lowest bit; there is none in zero.
        self.0 &= self.0.checked_sub(1)?;
        u8::try_from(place).ok()
    }
}
