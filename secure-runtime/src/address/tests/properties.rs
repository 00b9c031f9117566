//! Whatever bytes arrive.

use proptest::{collection::vec, prelude::*, sample::select};

use super::*;

const HEADERS: [ForwardingHeader; 2] =
    [ForwardingHeader::Forwarded, ForwardingHeader::XForwardedFor];

/// Pieces of which headers are made, so that some come out well.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => select(vec![
            "for=", "FOR=", "by=", "proto=", "https", "host=", ";", ",", ", ", "\"", "\\", "\\\"",
            "[", "]", ":", ":80", ":_x", " ", "\t", "unknown", "_x", "=", "1.1.1.1", "10.9.9.9",
            "192.0.2.60", "[2001:db8::1]", "2001:db8::1", "::ffff:1.1.1.1", "0.0.0.0",
        ])
        .prop_map(|text: &str| text.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..6),
    ]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    vec(piece(), 0..24).prop_map(|pieces| {
        let mut value = pieces.concat();
        // What a header field cannot hold does not come here.
        value.retain(|&byte| HeaderValue::from_bytes(&[byte]).is_ok());
        value
    })
}

fn map(name: &str, values: &[Vec<u8>]) -> HeaderMap {
    let values: Vec<_> = values.iter().map(|value| &value[..]).collect();
    headers(name, &values)
}

proptest! {
    /// P1: the proxy writes the right-most hop, which is no proxy. Nothing to the left of it is
    /// ever the answer.
    #[test]
    fn p1_never_an_address_left_of_an_untrusted_hop(
        sent in vec(value(), 0..4),
        header in select(&HEADERS[..]),
        hops in 0_usize..8,
        appended in any::<bool>(),
    ) {
        let entry = |address: &str| match header {
            ForwardingHeader::Forwarded => format!("for={address}"),
            ForwardingHeader::XForwardedFor => address.to_owned(),
        };
        let mut written = vec![entry("198.51.100.7")];
        written.extend((0..hops).map(|hop| entry(&format!("10.1.1.{hop}"))));
        let written = written.join(", ").into_bytes();

        let mut values = sent;
        match values.last_mut() {
            Some(last) if appended => {
                last.extend(b", ");
                last.extend(&written);
            }
            _ => values.push(written),
        }
        let map = map(header.name().as_str(), &values);
        prop_assert_eq!(found(&behind(header), PROXY, &map), "198.51.100.7");
        let counted = ClientAddresses::behind_hops(hops + 1, header);
        prop_assert_eq!(found(&counted, "203.0.113.1", &map), "198.51.100.7");
    }

    /// P1: from a peer that is no proxy nothing is believed, whatever it is.
    #[test]
    fn p1_a_client_is_where_it_connects_from(
        values in vec(value(), 0..4),
        header in select(&HEADERS[..]),
        sent_as in select(&HEADERS[..]),
    ) {
        let map = map(sent_as.name().as_str(), &values);
        let addresses = behind(header);
        prop_assert_eq!(asked(&addresses, Some(ip(CLIENT)), &map), CLIENT);
        prop_assert_eq!(addresses.forwarded_https(Some(ip(CLIENT)), &map), None);
        prop_assert_eq!(asked(&addresses, None, &map), "unknown");
        let ignored = if values.is_empty() { 0 } else { 2 };
        prop_assert_eq!(addresses.counts().headers_ignored, ignored);
    }

    /// Nothing panics, and what is found was written: it is the peer, unknown, or a text that
    /// stands in the header.
    #[test]
    fn p2_any_bytes_are_read(
        values in vec(value(), 0..4),
        other in vec(value(), 0..2),
        header in select(&HEADERS[..]),
    ) {
        let mut map = map(header.name().as_str(), &values);
        for value in &other {
            map.append(header.other().name(), HeaderValue::from_bytes(value).unwrap());
        }
        let addresses = behind(header);
        let found = asked(&addresses, Some(ip(PROXY)), &map);
        let everything = String::from_utf8_lossy(&values.join(&b'\n')).to_ascii_lowercase();
        prop_assert!(
            found == PROXY || found == "unknown" || everything.contains(&found)
                // An IPv6 address has many spellings.
                || found.contains(':'),
            "{found} in {everything}"
        );
        addresses.forwarded_https(Some(ip(PROXY)), &map);
    }
}

/// P1: a header of any length costs as much as one of 32 entries.
#[test]
fn p1_no_more_than_32_entries_are_looked_at() {
    for header in HEADERS {
        let addresses = behind(header);
        let proxy = match header {
            ForwardingHeader::Forwarded => "for=10.9.9.9",
            ForwardingHeader::XForwardedFor => "10.9.9.9",
        };
        let client = proxy.replace("10.9.9.9", CLIENT);
        for (entries, expected) in [
            (MAX_HOPS - 1, CLIENT),
            (MAX_HOPS, "unknown"),
            (10_000, "unknown"),
        ] {
            let mut list = vec![client.as_str()];
            list.extend(std::iter::repeat_n(proxy, entries));
            let one = headers(header.name().as_str(), &[list.join(", ").as_bytes()]);
            assert_eq!(found(&addresses, PROXY, &one), expected, "{entries}");
            let lines: Vec<_> = list.iter().map(|entry| entry.as_bytes()).collect();
            let many = headers(header.name().as_str(), &lines);
            assert_eq!(found(&addresses, PROXY, &many), expected, "{entries}");
        }
        // Nor do empty ones buy more steps.
        let empty = headers(header.name().as_str(), &[&b",".repeat(10_000)]);
        assert_eq!(found(&addresses, PROXY, &empty), "unknown");
        // What was looked at can be counted: an entry of one step more is not reached.
        let seen = std::cell::Cell::new(0);
        let values =
            std::iter::repeat_n(proxy.as_bytes(), 10_000).inspect(|_| seen.set(seen.get() + 1));
        let (address, _) = addresses.walk(Some(ip(PROXY).into()), values, header);
        assert_eq!(address, ClientAddress::Unknown);
        assert_eq!(seen.get(), MAX_HOPS + 1);
    }
}
