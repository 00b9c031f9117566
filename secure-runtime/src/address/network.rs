//! What is counted as one client.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use super::ClientAddress;

/// Bits of an IPv6 address that identify a client: 32 to 64. Default: 56, what one subscriber is
/// commonly given.
///
/// A client with a whole network must not count as many. With more bits one that was given a
/// /48 counts as more clients; with fewer, more subscribers share a count.
///
/// ```
/// use secure_runtime::settings::Ipv6Prefix;
///
/// assert_eq!(Ipv6Prefix::default(), Ipv6Prefix::new(56).unwrap());
/// assert_eq!(Ipv6Prefix::new(65), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6Prefix(u8);

impl Ipv6Prefix {
    /// `None` unless `bits` is 32 to 64. Below 32 one count would hold whole providers; beyond
    /// 64 a single machine picks its bits as it likes (RFC 4291 section 2.5.1).
    pub const fn new(bits: u8) -> Option<Self> {
        match bits {
            32..=64 => Some(Self(bits)),
            _ => None,
        }
    }

    /// The number of bits.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The upper half of `address` without the bits that do not identify a client.
    fn upper_half(self, address: Ipv6Addr) -> u64 {
        let upper = u64::try_from(address.to_bits() >> 64).unwrap_or_default();
        // INVARIANT: 32 to 64 bits, so the shift is by 0 to 32.
        upper & (u64::MAX << (64 - self.0))
    }
}

impl Default for Ipv6Prefix {
    fn default() -> Self {
        Self(56)
    }
}

/// What is counted as one client; see [`ClientAddress::network`].
///
/// Eight bytes, because a limiter keeps a million of them: the upper half of an IPv6 address.
/// All that is no IPv6 network stands where multicast addresses would, which are no client's.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Network(u64);

impl Network {
    const UNKNOWN: u64 = 0xff00 << 48;
    const V4: u64 = 0xff04 << 48;
    /// The bits below: an IPv4 address.
    const V4_BITS: u64 = 0xffff_ffff;
}

/// All clients whose address is not known.
impl Default for Network {
    fn default() -> Self {
        Self(Self::UNKNOWN)
    }
}

impl ClientAddress {
    /// What is counted as one client: an IPv4 address, an IPv6 network of `prefix` bits, or all
    /// clients whose address is not known.
    pub(crate) fn network(self, prefix: Ipv6Prefix) -> Network {
        // Again, because anybody can make a `Known` of any address.
        match self {
            Self::Known(address) => match Self::from(address) {
                Self::Known(IpAddr::V4(v4)) => Network(Network::V4 | u64::from(v4.to_bits())),
                Self::Known(IpAddr::V6(v6)) => Network(prefix.upper_half(v6)),
                Self::Unknown => Network::default(),
            },
            Self::Unknown => Network::default(),
        }
    }
}

/// An IPv4 address, or the first address of an IPv6 network.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 & !Self::V4_BITS {
            Self::V4 => {
                let bits = u32::try_from(self.0 & Self::V4_BITS).unwrap_or_default();
                Ipv4Addr::from_bits(bits).fmt(f)
            }
            Self::UNKNOWN => f.write_str("unknown"),
            _ => Ipv6Addr::from_bits(u128::from(self.0) << 64).fmt(f),
        }
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
