//! Tests of client addresses, and what they share.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails where something is missing"
)]

mod hostile;
mod networks;
mod properties;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use super::*;

const PROXY: &str = "10.0.0.1";
const CLIENT: &str = "192.0.2.60";

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn behind(header: ForwardingHeader) -> ClientAddresses {
    let proxies = ["10.0.0.0/8", "2001:db8:7::/48"];
    let proxies = proxies.map(|network| network.parse().unwrap());
    ClientAddresses::behind(proxies.to_vec(), header).unwrap()
}

fn headers(name: &str, values: &[&[u8]]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(
            HeaderName::try_from(name).unwrap(),
            HeaderValue::from_bytes(value).unwrap(),
        );
    }
    headers
}

fn forwarded(values: &[&str]) -> HeaderMap {
    let values: Vec<_> = values.iter().map(|value| value.as_bytes()).collect();
    headers("forwarded", &values)
}

fn x_forwarded_for(values: &[&str]) -> HeaderMap {
    let values: Vec<_> = values.iter().map(|value| value.as_bytes()).collect();
    headers("x-forwarded-for", &values)
}

/// As text, with `unknown` for what cannot be known.
fn found(addresses: &ClientAddresses, peer: &str, headers: &HeaderMap) -> String {
    addresses
        .client_address(Some(ip(peer)), headers)
        .to_string()
}

#[test]
fn p1_without_trusted_proxies_the_peer_is_the_client() {
    let direct = ClientAddresses::direct();
    let none = ClientAddresses::behind(vec![], ForwardingHeader::Forwarded).unwrap();
    let no_hops = ClientAddresses::behind_hops(0, ForwardingHeader::XForwardedFor);
    for addresses in [direct, none, no_hops] {
        for sent in [
            x_forwarded_for(&["1.1.1.1"]),
            forwarded(&["for=1.1.1.1;proto=https"]),
            headers("x-real-ip", &[b"1.1.1.1"]),
        ] {
            assert_eq!(found(&addresses, CLIENT, &sent), CLIENT);
            assert_eq!(
                addresses.client_address(None, &sent),
                ClientAddress::Unknown
            );
            assert_eq!(addresses.forwarded_https(Some(ip(CLIENT)), &sent), None);
        }
    }
}

#[test]
fn p1_a_peer_that_is_no_proxy_is_the_client() {
    for header in [ForwardingHeader::Forwarded, ForwardingHeader::XForwardedFor] {
        let addresses = behind(header);
        for sent in [x_forwarded_for(&["10.0.0.1"]), forwarded(&["for=10.0.0.1"])] {
            assert_eq!(found(&addresses, "11.0.0.1", &sent), "11.0.0.1");
            assert_eq!(found(&addresses, "::ffff:11.0.0.1", &sent), "11.0.0.1");
        }
    }
}

#[test]
fn p1_x_forwarded_for_is_walked_from_the_right() {
    let addresses = behind(ForwardingHeader::XForwardedFor);
    let cases: &[(&[&str], &str)] = &[
        // The proxy itself asks, or does not tell.
        (&[], PROXY),
        (&[""], PROXY),
        (&[" , ,"], PROXY),
        (&["192.0.2.60"], CLIENT),
        (&["192.0.2.60:4711"], CLIENT),
        (&["::ffff:192.0.2.60"], CLIENT),
        (&["[::ffff:192.0.2.60]:80"], CLIENT),
        (&["2001:db8::1"], "2001:db8::1"),
        (&["[2001:db8::1]"], "2001:db8::1"),
        (&["[2001:db8::1]:4711"], "2001:db8::1"),
        // Trusted hops are skipped, in one field or in several.
        (&["192.0.2.60, 10.9.9.9"], CLIENT),
        (&["192.0.2.60", "10.9.9.9, 2001:db8:7::5"], CLIENT),
        (&["192.0.2.60,,10.9.9.9, "], CLIENT),
        (&["10.3.3.3, 10.9.9.9"], "10.3.3.3"),
        // What the client wrote stands to the left of its address.
        (&["1.1.1.1, 192.0.2.60"], CLIENT),
        (&["1.1.1.1", "192.0.2.60"], CLIENT),
        (&["10.0.0.1, 192.0.2.60"], CLIENT),
        (&["\"1.1.1.1, 192.0.2.60"], CLIENT),
        (&["\", \"1.1.1.1", "192.0.2.60"], CLIENT),
        (&["garbage, 192.0.2.60, 10.9.9.9"], CLIENT),
        // A proxy told no address: nothing to the left of that is believed.
        (&["192.0.2.60, unknown"], "unknown"),
        (&["192.0.2.60, garbage, 10.9.9.9"], "unknown"),
        (&["_hidden"], "unknown"),
        (&["192.0.2.060"], "unknown"),
        (&["192.0.2.60:"], "unknown"),
        (&["192.0.2.60:123456"], "unknown"),
        (&["192.0.2.60:80:80"], "unknown"),
        (&["[192.0.2.60]"], "unknown"),
        (&["[2001:db8::1"], "unknown"),
        (&["fe80::1%eth0"], "unknown"),
        (&["192.0.2.60 192.0.2.61"], "unknown"),
        (&["for=192.0.2.60"], "unknown"),
    ];
    for (sent, expected) in cases {
        assert_eq!(
            found(&addresses, PROXY, &x_forwarded_for(sent)),
            *expected,
            "{sent:?}"
        );
    }
    // A service that listens on IPv6 sees its IPv4 proxies so.
    let mapped_peer = found(&addresses, "::ffff:10.0.0.1", &x_forwarded_for(&[CLIENT]));
    assert_eq!(mapped_peer, CLIENT);
    // The other header is not believed.
    assert_eq!(
        found(&addresses, PROXY, &forwarded(&["for=192.0.2.60"])),
        PROXY
    );
}

#[test]
fn p2_forwarded_is_walked_from_the_right() {
    let addresses = behind(ForwardingHeader::Forwarded);
    let cases: &[(&[&str], &str)] = &[
        (&["for=192.0.2.60"], CLIENT),
        (&["For=\"192.0.2.60\""], CLIENT),
        (&["FOR=192.0.2.60;proto=http;by=203.0.113.43"], CLIENT),
        (&["by=203.0.113.43; for=192.0.2.60 ;"], CLIENT),
        (&["for=\"192.0.2.60:4711\""], CLIENT),
        (&["for=192.0.2.60:4711"], CLIENT),
        (&["for=\"192.0.2.60:_port\""], CLIENT),
        (&["for=\"[2001:db8:cafe::17]:4711\""], "2001:db8:cafe::17"),
        (&["for=\"[2001:db8:cafe::17]\""], "2001:db8:cafe::17"),
        (&["for=\"[::ffff:192.0.2.60]\""], CLIENT),
        (&["for=192.0.2.60, for=10.9.9.9"], CLIENT),
        (
            &["for=192.0.2.60", "for=\"[2001:db8:7::5]\", for=10.9.9.9"],
            CLIENT,
        ),
        (&["for=192.0.2.60;ext=\"a, for=1.1.1.1\""], CLIENT),
        (&["for=192.0.2.60;ext=\"a\\\", for=1.1.1.1\""], CLIENT),
        (&["for=192.0.2.60;ext=\"a\\\\\", for=10.9.9.9"], CLIENT),
        (&["for=1.1.1.1, for=192.0.2.60;ext=\"a\\\\\""], CLIENT),
        // A client cannot reach across the comma that the proxy wrote.
        (&["for=1.1.1.1, for=192.0.2.60"], CLIENT),
        (&["for=\"1.1.1.1, for=192.0.2.60"], CLIENT),
        (&["for=1.1.1.1;x=\", for=192.0.2.60"], CLIENT),
        (&["for=1.1.1.1;x=\"\\", "for=192.0.2.60"], CLIENT),
        (&["for=1.1.1.1;x=\"", "for=192.0.2.60;host=\"a\""], CLIENT),
        (&["for=unknown, for=192.0.2.60"], CLIENT),
        // A proxy told no address.
        (&["for=192.0.2.60, for=unknown"], "unknown"),
        (&["for=192.0.2.60, for=_hidden, for=10.9.9.9"], "unknown"),
        (&["for=192.0.2.60, for=\"_SEVKISEK\""], "unknown"),
        (&["for=192.0.2.60, proto=https"], "unknown"),
        (&["for=192.0.2.60;for=192.0.2.61"], "unknown"),
        (&["for=192.0.2.60;FOR=unknown"], "unknown"),
        (&["for=2001:db8::1"], "unknown"),
        (&["for=[2001:db8::1"], "unknown"),
        (&["for=\"192.0.2.60"], "unknown"),
        (&["for=\"192.0.2.60\"x"], "unknown"),
        (&["for=\"192\\.0.2.60\""], "unknown"),
        (&["for = 192.0.2.60"], "unknown"),
        (&["for=192.0.2.60 proto=https"], "unknown"),
        (&["for"], "unknown"),
        (&["for="], "unknown"),
        (&["192.0.2.60"], "unknown"),
    ];
    for (sent, expected) in cases {
        assert_eq!(
            found(&addresses, PROXY, &forwarded(sent)),
            *expected,
            "{sent:?}"
        );
    }
    assert_eq!(found(&addresses, PROXY, &x_forwarded_for(&[CLIENT])), PROXY);
}

#[test]
fn p1_hops_are_counted_from_the_right() {
    let two = ClientAddresses::behind_hops(2, ForwardingHeader::XForwardedFor);
    let cases: &[(&[&str], &str)] = &[
        (&["1.1.1.1, 192.0.2.60, 203.0.113.9"], CLIENT),
        (&["1.1.1.1", "192.0.2.60,, 203.0.113.9,"], CLIENT),
        // Fewer than there should be: somebody came in behind the first proxy.
        (&["192.0.2.60"], CLIENT),
        (&[], PROXY),
        (&["192.0.2.60, unknown"], "unknown"),
        (&["unknown, 203.0.113.9"], "unknown"),
    ];
    for (sent, expected) in cases {
        assert_eq!(
            found(&two, PROXY, &x_forwarded_for(sent)),
            *expected,
            "{sent:?}"
        );
    }
}

#[test]
fn a_connection_without_an_address_is_believed_only_if_told_to() {
    let sent = x_forwarded_for(&["1.1.1.1, 192.0.2.60"]);
    for addresses in [
        behind(ForwardingHeader::XForwardedFor),
        ClientAddresses::behind_hops(1, ForwardingHeader::XForwardedFor),
    ] {
        assert_eq!(
            addresses.client_address(None, &sent),
            ClientAddress::Unknown
        );
        let trusting = addresses.trusting_unknown_peer();
        assert_eq!(trusting.client_address(None, &sent).to_string(), CLIENT);
        let silent = HeaderMap::new();
        assert_eq!(
            trusting.client_address(None, &silent),
            ClientAddress::Unknown
        );
    }
    // The proxy at a socket file is believed, and nobody who has an address.
    let socket_file = ClientAddresses::direct().trusting_unknown_peer();
    assert_eq!(socket_file.client_address(None, &sent).to_string(), CLIENT);
    assert_eq!(found(&socket_file, "10.0.0.1", &sent), "10.0.0.1");
    let direct = ClientAddresses::direct();
    assert_eq!(direct.client_address(None, &sent), ClientAddress::Unknown);
}

#[test]
fn the_protocol_is_what_the_trusted_proxy_says() {
    let addresses = behind(ForwardingHeader::XForwardedFor);
    let said = |peer, values: &[&[u8]]| {
        addresses.forwarded_https(Some(ip(peer)), &headers("x-forwarded-proto", values))
    };
    assert_eq!(said(PROXY, &[b"https"]), Some(true));
    assert_eq!(said(PROXY, &[b"HTTPS "]), Some(true));
    assert_eq!(said(PROXY, &[b"http"]), Some(false));
    assert_eq!(said(PROXY, &[b"https, http"]), Some(false));
    assert_eq!(said(PROXY, &[b"https", b"http"]), Some(false));
    assert_eq!(said(PROXY, &[b"http, https"]), Some(true));
    assert_eq!(said(PROXY, &[b""]), Some(false));
    assert_eq!(said(PROXY, &[b"https,"]), Some(false));
    assert_eq!(said(PROXY, &[]), None);
    assert_eq!(said(CLIENT, &[b"https"]), None);

    let addresses = behind(ForwardingHeader::Forwarded);
    let said =
        |peer, values: &[&str]| addresses.forwarded_https(Some(ip(peer)), &forwarded(values));
    assert_eq!(said(PROXY, &["for=192.0.2.60;proto=https"]), Some(true));
    assert_eq!(said(PROXY, &["for=192.0.2.60;proto=\"HTTPS\""]), Some(true));
    assert_eq!(said(PROXY, &["for=_hidden;proto=https"]), Some(true));
    assert_eq!(said(PROXY, &["for=192.0.2.60;proto=http"]), Some(false));
    assert_eq!(said(PROXY, &["for=192.0.2.60"]), None);
    assert_eq!(
        said(PROXY, &["for=192.0.2.60;proto=http;proto=https"]),
        None
    );
    assert_eq!(said(CLIENT, &["for=192.0.2.60;proto=https"]), None);
    // The entry of the client counts, not those of the hops between proxies.
    let chain = ["for=1.1.1.1;proto=https, for=192.0.2.60;proto=http, for=10.9.9.9;proto=https"];
    assert_eq!(said(PROXY, &chain), Some(false));
}

#[test]
fn trusting_every_address_is_refused() {
    for network in ["0.0.0.0/0", "::/0", "::ffff:0.0.0.0/96"] {
        let trusted = vec![network.parse().unwrap()];
        let refused = ClientAddresses::behind(trusted, ForwardingHeader::Forwarded);
        assert_eq!(refused.unwrap_err(), TrustsEveryone);
    }
    let mapped = vec!["::ffff:10.0.0.0/104".parse().unwrap()];
    let addresses = ClientAddresses::behind(mapped, ForwardingHeader::XForwardedFor).unwrap();
    assert_eq!(
        found(&addresses, PROXY, &x_forwarded_for(&[CLIENT])),
        CLIENT
    );
}

/// As a request does it: its address, and what there is to notice.
fn asked(addresses: &ClientAddresses, peer: Option<IpAddr>, headers: &HeaderMap) -> String {
    let found = addresses.client_address(peer, headers);
    addresses.notice(peer, headers, Sent::of(headers), found);
    found.to_string()
}

#[test]
fn p4_what_is_wrong_is_counted() {
    let addresses = behind(ForwardingHeader::XForwardedFor);
    let (client, proxy) = (Some(ip(CLIENT)), Some(ip(PROXY)));
    let mut expected = AddressCounts::default();

    // What is right is not counted.
    asked(&addresses, client, &HeaderMap::new());
    asked(&addresses, proxy, &HeaderMap::new());
    asked(
        &addresses,
        proxy,
        &x_forwarded_for(&["1.1.1.1, 192.0.2.60"]),
    );
    let mut both = x_forwarded_for(&[CLIENT]);
    both.insert(
        header::FORWARDED,
        HeaderValue::from_static("for=192.0.2.60"),
    );
    asked(&addresses, proxy, &both);
    assert_eq!(addresses.counts(), expected);

    // P1: each header of a peer that is no proxy, also of one that has no address.
    for peer in [client, None] {
        asked(&addresses, peer, &forwarded(&["for=1.1.1.1"]));
        asked(&addresses, peer, &x_forwarded_for(&["1.1.1.1"]));
        asked(&addresses, peer, &both);
        expected.headers_ignored += 3;
    }
    assert_eq!(addresses.counts(), expected);

    // P4: two headers that disagree; the configured one is believed.
    both.insert(header::FORWARDED, HeaderValue::from_static("for=1.1.1.1"));
    assert_eq!(asked(&addresses, proxy, &both), CLIENT);
    assert_eq!(
        asked(&addresses, proxy, &forwarded(&["for=1.1.1.1"])),
        PROXY
    );
    expected.headers_conflicting += 2;
    assert_eq!(addresses.counts(), expected);

    assert_eq!(
        asked(&addresses, proxy, &x_forwarded_for(&["unknown"])),
        "unknown"
    );
    expected.unknown += 1;
    assert_eq!(addresses.counts(), expected);

    addresses.notice_refused(&"no reason");
    expected.connections_refused += 1;
    assert_eq!(addresses.counts(), expected);

    addresses.notice_banned();
    expected.connections_banned += 1;
    assert_eq!(addresses.counts(), expected);
    for _ in 0..3 {
        addresses.notice_excess(Network::default());
    }
    expected.connections_in_excess += 3;
    assert_eq!(addresses.counts(), expected);
}
