//! What counts as one client, and which addresses nobody can have.

use super::*;

#[test]
fn p3_networks() {
    let prefix = Ipv6Prefix::default();
    let network = |text| ClientAddress::from(ip(text)).network(prefix);
    assert_eq!(network("192.0.2.60"), network("::ffff:192.0.2.60"));
    assert_eq!(
        ClientAddress::Known(ip("::ffff:192.0.2.60")).network(prefix),
        network("192.0.2.60")
    );
    assert_eq!(network("2001:db8:0:100::1"), network("2001:db8:0:1ff::2"));
    assert_eq!(network("192.0.2.60").to_string(), "192.0.2.60");
    assert_eq!(network("2001:db8:0:1ff::2").to_string(), "2001:db8:0:100::");
    let unknown = ClientAddress::Unknown.network(prefix);
    assert_eq!(unknown.to_string(), "unknown");
    assert_eq!(unknown, Network::default());
    let apart = [
        "192.0.2.60",
        "192.0.2.61",
        "192.0.2.0",
        "0.0.0.1",
        "::1",
        // The bits of an IPv4 address, where those of an IPv6 network are.
        "0:0:c000:200::",
        "ff:0:c000:200::",
        "2001:db8:0:100::",
        "2001:db8:0:200::",
        // What they hold is not believed.
        "64:ff9b::192.0.2.60",
        "2002:c000:23c::",
    ];
    for (place, one) in apart.iter().enumerate() {
        assert_ne!(network(one), unknown);
        for other in apart.iter().skip(place + 1) {
            assert_ne!(network(one), network(other));
        }
    }
}

/// Nobody has such an address, and it would stand where others are kept.
#[test]
fn p3_an_address_that_nobody_can_have_is_unknown() {
    let nobody = [
        "0.0.0.0",
        "::",
        "::ffff:0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "ff02::1",
        "ff04::c000:23c",
        "ff04:0:c000:23c::",
    ];
    let one_hop = ClientAddresses::behind_hops(1, ForwardingHeader::XForwardedFor);
    for text in nobody {
        assert_eq!(ClientAddress::from(ip(text)), ClientAddress::Unknown);
        let made_by_hand = ClientAddress::Known(ip(text)).network(Ipv6Prefix::default());
        assert_eq!(made_by_hand, Network::default(), "{text}");
        assert_eq!(found(&one_hop, PROXY, &x_forwarded_for(&[text])), "unknown");
        // Nor is it a proxy's.
        let sent = x_forwarded_for(&["192.0.2.60"]);
        assert_eq!(found(&one_hop, text, &sent), "unknown");
        assert_eq!(one_hop.forwarded_https(Some(ip(text)), &sent), None);
    }
}

#[test]
fn p3_the_prefix_is_configurable() {
    assert_eq!(Ipv6Prefix::new(31), None);
    assert_eq!(Ipv6Prefix::new(65), None);
    let address = "2001:db8:1234:5678:9abc::1"
        .parse::<std::net::Ipv6Addr>()
        .unwrap();
    for bits in 32..=64 {
        let prefix = Ipv6Prefix::new(bits).unwrap();
        let network = |address: u128| {
            ClientAddress::from(IpAddr::from(std::net::Ipv6Addr::from_bits(address)))
                .network(prefix)
        };
        let last_inside = 1_u128 << (127 - u32::from(bits));
        let first_outside = 1_u128 << (128 - u32::from(bits));
        assert_eq!(
            network(address.to_bits()),
            network(address.to_bits() ^ last_inside)
        );
        assert_ne!(
            network(address.to_bits()),
            network(address.to_bits() ^ first_outside)
        );
    }
    // The bits of an IPv4 address all count.
    let wide = Ipv6Prefix::new(32).unwrap();
    let network = |text| ClientAddress::from(ip(text)).network(wide);
    assert_ne!(network("192.0.2.60"), network("192.0.2.61"));
}
