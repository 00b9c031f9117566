//! The networks of trusted proxies.

use std::net::IpAddr;

use ipnet::IpNet;

/// Networks of trusted proxies, as they are asked for at each request behind one.
#[derive(Debug, Default)]
pub(super) struct Proxies {
    named: Vec<IpNet>,
    /// The same as numbers, the first address of each network and the last.
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u128)>,
}

impl Proxies {
    pub(super) fn new(named: Vec<IpNet>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for network in &named {
            match network {
                IpNet::V4(net) => v4.push((net.network().to_bits(), net.broadcast().to_bits())),
                IpNet::V6(net) => v6.push((net.network().to_bits(), net.broadcast().to_bits())),
            }
        }
        Self { named, v4, v6 }
    }

    /// Whether this is an address of theirs. IPv4 addresses must not be written as IPv6.
    pub(super) fn have(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(v4) => is_in(&self.v4, v4.to_bits()),
            IpAddr::V6(v6) => is_in(&self.v6, v6.to_bits()),
        }
    }

    /// Whether they and `network` have an address in common.
    pub(super) fn meet(&self, network: &IpNet) -> bool {
        self.named
            .iter()
            .any(|named| named.contains(network) || network.contains(named))
    }
}

fn is_in<T: Copy + Ord>(networks: &[(T, T)], address: T) -> bool {
    networks
        .iter()
        .any(|&(first, last)| first <= address && address <= last)
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        reason = "a test fails where something is missing"
    )]

    use super::*;

    /// P1: networks of all lengths, by their first and last addresses and the neighbours of these.
    #[test]
    fn p1_they_have_what_is_in_their_networks_and_nothing_else() {
        let addresses = ["0.0.0.0", "10.9.8.7", "255.255.255.255", "2001:db8:a:b::c"];
        for address in addresses.map(|address| address.parse::<IpAddr>().unwrap()) {
            let longest = if address.is_ipv4() { 32 } else { 128 };
            for bits in 1..=longest {
                let network = IpNet::new(address, bits).unwrap();
                let other = "192.0.2.1/32".parse().unwrap();
                let proxies = Proxies::new(vec![other, network]);
                for near in [network.network(), network.broadcast(), address]
                    .into_iter()
                    .flat_map(around)
                {
                    let expected = network.contains(&near) || other.contains(&near);
                    assert_eq!(proxies.have(near), expected, "{near} in {network}");
                }
            }
        }
        let none = Proxies::default();
        assert!(!none.have(IpAddr::from([0, 0, 0, 0])));
    }

    fn around(address: IpAddr) -> Vec<IpAddr> {
        match address {
            IpAddr::V4(v4) => [-1, 0, 1]
                .map(|step| IpAddr::from(v4.to_bits().wrapping_add_signed(step).to_be_bytes()))
                .to_vec(),
            IpAddr::V6(v6) => [-1, 0, 1]
                .map(|step| IpAddr::from(v6.to_bits().wrapping_add_signed(step).to_be_bytes()))
                .to_vec(),
        }
    }
}
