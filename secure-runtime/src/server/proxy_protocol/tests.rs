//! Headers as bytes, without sockets.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails where something is missing"
)]

use proptest::{collection::vec, prelude::*};

use super::*;

/// Version 2: command and version, family and transport, and what follows.
fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [&SIGNATURE[..], &[command, family], &length, rest].concat()
}

const V4: [u8; 12] = [192, 0, 2, 60, 10, 0, 0, 1, 0x12, 0x67, 1, 187];

/// What a header says, and what is left behind it.
async fn read(bytes: &[u8]) -> (Result<Source, Refused>, usize) {
    let mut left = bytes;
    let source = read_header(&mut left).await;
    (source, left.len())
}

async fn source(header: &[u8]) -> Source {
    let bytes = [header, b"GET / HTTP/1.1"].concat();
    let (source, left) = read(&bytes).await;
    // Not a byte of what belongs to TLS or HTTP was taken.
    assert_eq!(left, 14, "{header:?}");
    source.unwrap()
}

async fn refused(bytes: &[u8]) -> String {
    format!("{:?}", read(bytes).await.0.unwrap_err())
}

#[tokio::test]
async fn a_header_tells_where_a_connection_comes_from() {
    let client = |text: &str| Source::Client(text.parse().unwrap());
    assert_eq!(
        source(&binary(0x21, 0x11, &V4)).await,
        client("192.0.2.60:4711")
    );
    let mut v6 = [0; 36];
    v6[..4].copy_from_slice(&[0x20, 1, 0xd, 0xb8]);
    v6[15] = 7;
    v6[32..34].copy_from_slice(&4711_u16.to_be_bytes());
    assert_eq!(
        source(&binary(0x21, 0x21, &v6)).await,
        client("[2001:db8::7]:4711")
    );
    for (line, text) in [
        (
            "PROXY TCP4 192.0.2.60 10.0.0.1 4711 443\r\n",
            "192.0.2.60:4711",
        ),
        (
            "PROXY TCP6 2001:db8::7 ::1 4711 443\r\n",
            "[2001:db8::7]:4711",
        ),
        (
            "PROXY TCP6 ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n",
            "",
        ),
    ] {
        if text.is_empty() {
            assert_eq!(refused(line.as_bytes()).await, "Malformed");
        } else {
            assert_eq!(source(line.as_bytes()).await, client(text));
        }
    }
}

#[tokio::test]
async fn a_header_may_say_that_it_does_not_know() {
    // What follows LOCAL means nothing, whatever it is.
    for (family, rest) in [
        (0, &[][..]),
        (0x11, &V4),
        (0xff, &[1, 2, 3]),
        (0x21, &[0; 400]),
    ] {
        assert_eq!(source(&binary(0x20, family, rest)).await, Source::Balancer);
    }
    assert_eq!(source(&binary(0x21, 0, &[])).await, Source::Unknown);
    assert_eq!(source(&binary(0x21, 0, &V4)).await, Source::Unknown);
    assert_eq!(
        source(&binary(0x21, 0x31, &[b'/'; 216])).await,
        Source::Unknown
    );
    assert_eq!(source(b"PROXY UNKNOWN\r\n").await, Source::Unknown);
    let line = b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n";
    assert_eq!(source(line).await, Source::Unknown);
}

#[tokio::test]
async fn what_stands_behind_the_addresses_is_skipped_up_to_a_bound() {
    let with_values = |length: usize| {
        let rest = [&V4[..], &vec![4; length]].concat();
        binary(0x21, 0x11, &rest)
    };
    let fits = MAX_HEADER - 16 - V4.len();
    for length in [1, 3, 200, fits] {
        assert!(matches!(
            source(&with_values(length)).await,
            Source::Client(_)
        ));
    }
    assert_eq!(refused(&with_values(fits + 1)).await, "TooLong");
    // It is refused for what it declares, before it arrives.
    let mut declared = binary(0x21, 0x11, &[]);
    declared[14..16].copy_from_slice(&[0xff, 0xff]);
    assert_eq!(refused(&declared).await, "TooLong");
}

#[tokio::test]
async fn what_is_no_header_is_refused() {
    assert_eq!(refused(b"").await, "Silent");
    let whole = binary(0x21, 0x11, &V4);
    let line = b"PROXY TCP4 192.0.2.60 10.0.0.1 4711 443\r\n";
    for length in 1..whole.len() {
        assert!(
            refused(&whole[..length]).await.starts_with("Network"),
            "{length}"
        );
    }
    for length in 1..line.len() {
        assert!(
            refused(&line[..length]).await.starts_with("Network"),
            "{length}"
        );
    }
    for place in 0..SIGNATURE.len() {
        let mut wrong = whole.clone();
        wrong[place] ^= 0x20;
        assert_eq!(refused(&wrong).await, "Malformed", "{place}");
    }
    for (command, family, rest) in [
        (0x11, 0x11, &V4[..]),
        (0x31, 0x11, &V4),
        (0x22, 0x11, &V4),
        (0x2f, 0x11, &V4),
        (0x21, 0x13, &V4),
        (0x21, 0x10, &V4),
        (0x21, 0x41, &V4),
        (0x21, 0xff, &V4),
        // Datagrams do not come over TCP.
        (0x21, 0x12, &V4),
        (0x21, 0x22, &[0; 36]),
        // Less than the addresses take.
        (0x21, 0x11, &V4[..11]),
        (0x21, 0x11, &[]),
        (0x21, 0x21, &V4),
        (0x21, 0x31, &[0; 215]),
    ] {
        let header = binary(command, family, rest);
        assert_eq!(
            refused(&header).await,
            "Malformed",
            "{command:x} {family:x}"
        );
    }
    for line in [
        "GET / HTTP/1.1\r\n\r\n",
        "proxy TCP4 1.1.1.1 1.1.1.1 1 1\r\n",
        "PROXY\tTCP4 1.1.1.1 1.1.1.1 1 1\r\n",
        "PROXY  TCP4 1.1.1.1 1.1.1.1 1 1\r\n",
        "PROXY TCP5 1.1.1.1 1.1.1.1 1 1\r\n",
        "PROXY TCP4 1.1.1.1 1.1.1.1 1 1 \r\n",
        "PROXY TCP4 1.1.1.1 1.1.1.1 1 65536\r\n",
        "PROXY TCP4 1.1.1.1 1.1.1.1 1\r\n",
        "PROXY TCP4 1.1.1.1 1 1\r\n",
        "PROXY TCP4 1.1.1.256 1.1.1.1 1 1\r\n",
        "PROXY TCP4 ::1 ::1 1 1\r\n",
        "PROXY TCP6 1.1.1.1 1.1.1.1 1 1\r\n",
        "PROXY TCP4 1.1.1.1\r\n",
        "PROXY \r\n\r\n\r\n",
        "PROXY TCP4 1.1.1.1 1.1.1.1 1 1\rx\r\n",
    ] {
        assert_eq!(refused(line.as_bytes()).await, "Malformed", "{line}");
    }
    let longest = format!("PROXY UNKNOWN {}\r\n", "x".repeat(MAX_LINE - 16));
    assert_eq!(source(longest.as_bytes()).await, Source::Unknown);
    let too_long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(MAX_LINE - 15));
    assert_eq!(refused(too_long.as_bytes()).await, "TooLong");
    assert_eq!(
        refused(&[&b"PROXY "[..], &[b'x'; 10_000]].concat()).await,
        "TooLong"
    );
}

/// Runs a future that never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    futures_util::FutureExt::now_or_never(future).unwrap()
}

proptest! {
    /// Nothing panics, and no more is read than a header may have.
    #[test]
    fn any_bytes_are_read(
        start in prop::sample::select(vec![
            SIGNATURE.to_vec(),
            [&SIGNATURE[..], b"\x21\x11\x00\x0c"].concat(),
            [&SIGNATURE[..], b"\x21\x21\x00\x24"].concat(),
            [&SIGNATURE[..], b"\x20"].concat(),
            b"PROXY ".to_vec(),
            b"PROXY TCP4 ".to_vec(),
            b"PROXY TCP6 ::1 ".to_vec(),
            b"PROXY UNKNOWN".to_vec(),
            Vec::new(),
        ]),
        rest in vec(prop_oneof![
            any::<u8>(),
            prop::sample::select(b" .:0123456789\r\n".to_vec()),
        ], 0..600),
        end in prop::sample::select(vec![&b""[..], b"\r\n", b" 1 1\r\n"]),
    ) {
        let bytes = [&start[..], &rest, end].concat();
        let (read, left) = now(read(&bytes));
        prop_assert!(bytes.len() - left <= MAX_HEADER);
        if bytes.starts_with(b"P") {
            prop_assert!(bytes.len() - left <= MAX_LINE);
        }
        let is_header = bytes.starts_with(&SIGNATURE) || bytes.starts_with(b"PROXY ");
        prop_assert!(is_header || read.is_err());
    }

    /// What a balancer writes is what is read.
    #[test]
    fn addresses_are_read_as_they_are_written(
        address in any::<std::net::IpAddr>(),
        port in any::<u16>(),
        values in vec(any::<u8>(), 0..300),
    ) {
        let (family, mut block, name) = match address {
            std::net::IpAddr::V4(v4) => (0x11, v4.octets().to_vec(), "TCP4"),
            std::net::IpAddr::V6(v6) => (0x21, v6.octets().to_vec(), "TCP6"),
        };
        block.extend(block.clone());
        block.extend(port.to_be_bytes());
        block.extend([1, 187]);
        block.extend(values);
        let expected = SocketAddr::new(address, port);
        let header = binary(0x21, family, &block);
        prop_assert_eq!(now(source(&header)), Source::Client(expected));
        let line = format!("PROXY {name} {address} {address} {port} 443\r\n");
        if line.len() <= MAX_LINE {
            prop_assert_eq!(now(source(line.as_bytes())), Source::Client(expected));
        }
    }
}
