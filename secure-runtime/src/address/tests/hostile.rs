//! What clients may try.

use super::*;
use crate::limit::tests::Random;

#[test]
fn work_is_bounded() {
    let addresses = behind(ForwardingHeader::XForwardedFor);
    let chain = |hops| format!("192.0.2.60{}", ", 10.9.9.9".repeat(hops));
    let of_chain = |hops| found(&addresses, PROXY, &x_forwarded_for(&[&chain(hops)]));
    assert_eq!(of_chain(MAX_HOPS - 1), CLIENT);
    assert_eq!(of_chain(MAX_HOPS), "unknown");
    // However much a client sends, it cannot hide its address.
    let long = format!("{}, 192.0.2.60", "1.1.1.1, ".repeat(10_000));
    assert_eq!(found(&addresses, PROXY, &x_forwarded_for(&[&long])), CLIENT);
    let long = format!("{}, 192.0.2.60", "\"\\".repeat(50_000));
    assert_eq!(found(&addresses, PROXY, &x_forwarded_for(&[&long])), CLIENT);
    let one = "1".repeat(100_000);
    assert_eq!(
        found(&addresses, PROXY, &x_forwarded_for(&[&one])),
        "unknown"
    );
}

/// Bytes that are likely to confuse a parser of these headers.
fn noise(random: &mut Random) -> Vec<u8> {
    const PARTS: &[&[u8]] = &[
        b",",
        b";",
        b"=",
        b"\"",
        b"\\",
        b"\\\"",
        b" ",
        b"\t",
        b"[",
        b"]",
        b":",
        b"for=",
        b"proto=",
        b"https",
        b"unknown",
        b"_x",
        b"1.1.1.1",
        b"10.9.9.9",
        b"2001:db8::1",
        b"80",
        b"\xff",
        b"a",
        b"[::1]:1",
        b"for=10.9.9.9, ",
        b"%",
    ];
    (0..random.below(12))
        .flat_map(|_| PARTS[random.below(PARTS.len() as u64) as usize])
        .copied()
        .collect()
}

#[test]
fn whatever_a_client_sends_its_address_is_the_one_that_the_proxy_saw() {
    let mut random = Random(7);
    for round in 0..40_000 {
        let header = [ForwardingHeader::Forwarded, ForwardingHeader::XForwardedFor][round % 2];
        let addresses = behind(header);
        let hops = ClientAddresses::behind_hops(1, header);
        let sent: Vec<_> = (0..random.below(3)).map(|_| noise(&mut random)).collect();
        let written: &[u8] = match header {
            ForwardingHeader::Forwarded => b"for=\"192.0.2.60:1\";proto=http;host=\"a\\\"b\"",
            ForwardingHeader::XForwardedFor => b"192.0.2.60",
        };
        // The proxy appends to the last field, or adds one.
        let mut values = sent.clone();
        match values.pop() {
            Some(last) if random.below(2) == 0 => {
                values.push([&last[..], b", ", written].concat());
            }
            Some(last) => values.extend([last, written.to_vec()]),
            None => values.push(written.to_vec()),
        }
        let values: Vec<_> = values.iter().map(|value| &value[..]).collect();
        let through_proxy = headers(header.name().as_str(), &values);
        assert_eq!(
            found(&addresses, PROXY, &through_proxy),
            CLIENT,
            "{values:?}"
        );
        assert_eq!(
            found(&hops, "203.0.113.1", &through_proxy),
            CLIENT,
            "{values:?}"
        );
        let https = addresses.forwarded_https(Some(ip(PROXY)), &through_proxy);
        assert_ne!(https, Some(true), "{values:?}");

        // Without a proxy, a header changes nothing; and from a proxy, no header makes a panic.
        let sent: Vec<_> = sent.iter().map(|value| &value[..]).collect();
        let direct = headers(header.name().as_str(), &sent);
        assert_eq!(found(&addresses, "192.0.2.7", &direct), "192.0.2.7");
        found(&addresses, PROXY, &direct);
        found(&hops, PROXY, &direct);
    }
}
