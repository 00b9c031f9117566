//! Reading forwarding headers from the right.
//!
//! Entries are cut off one by one, and each is parsed by itself: nothing that stands to the left
//! of an entry can change how it is read, such as a quote that a client left open.

use std::{
    iter::Rev,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use super::ForwardingHeader;

/// Most bytes of one entry. A longer one is malformed.
const MAX_ENTRY: usize = 1024;

/// The entries of a header's values, from the last one of the last value to the first.
pub(super) struct Values<'a, I> {
    values: Rev<I>,
    /// What is left of the value that is being cut up.
    rest: Option<&'a [u8]>,
}

impl<'a, I: DoubleEndedIterator<Item = &'a [u8]>> Values<'a, I> {
    pub(super) fn new(values: I) -> Self {
        Self {
            values: values.rev(),
            rest: None,
        }
    }
}

impl<'a, I: DoubleEndedIterator<Item = &'a [u8]>> Iterator for Values<'a, I> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let value = match self.rest.take() {
            Some(rest) => rest,
            None => self.values.next()?,
        };
        let (rest, entry) = split_last(value);
        self.rest = rest;
        Some(entry.trim_ascii())
    }
}

/// Splits at the last comma that is not within quotes, as seen from the right.
fn split_last(value: &[u8]) -> (Option<&[u8]>, &[u8]) {
    // One step more than an entry may be long: what is found too late is malformed anyway.
    let first = value.len().saturating_sub(MAX_ENTRY + 1);
    let nearest = value.get(first..).unwrap_or_default();
    let found = nearest
        .iter()
        .rposition(|byte| matches!(byte, b',' | b'"'))
        .map(|place| (first + place, nearest.get(place)));
    match found {
        None => (None, value),
        Some((place, Some(b','))) => split_at(value, place),
        Some(_) => split_outside_quotes(value, first),
    }
}

/// The same where there are quotes, which few proxies write; looks no further than to `first`.
fn split_outside_quotes(value: &[u8], first: usize) -> (Option<&[u8]>, &[u8]) {
    let mut quoted = false;
    for (place, &byte) in value.iter().enumerate().skip(first).rev() {
        match byte {
            b'"' if !is_escaped(value, place) => quoted = !quoted,
            b',' if !quoted => return split_at(value, place),
            _ => {}
        }
    }
    (None, value)
}

/// What stands before the comma at this place, and what behind it.
fn split_at(value: &[u8], comma: usize) -> (Option<&[u8]>, &[u8]) {
    let (rest, entry) = value.split_at(comma);
    (Some(rest), entry.get(1..).unwrap_or_default())
}

fn is_escaped(value: &[u8], place: usize) -> bool {
    let before = value.get(..place).unwrap_or_default();
    let backslashes = before.iter().rev().take(MAX_ENTRY);
    backslashes.take_while(|&&byte| byte == b'\\').count() % 2 == 1
}

/// What one entry says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hop {
    /// Whom the proxy forwarded for; `None` if the entry names no address.
    pub(super) address: Option<IpAddr>,
    /// Whether that request came by HTTPS, if the entry says so.
    pub(super) https: Option<bool>,
}

impl Hop {
    pub(super) fn parse(entry: &[u8], header: ForwardingHeader) -> Self {
        // What nearly all proxies write.
        if header == ForwardingHeader::XForwardedFor
            && let Some(address) = dotted_quad(entry)
        {
            return Self {
                address: Some(IpAddr::V4(address)),
                https: None,
            };
        }
        if entry.len() > MAX_ENTRY {
            return Self::default();
        }
        let Ok(text) = str::from_utf8(entry) else {
            return Self::default();
        };
        match header {
            ForwardingHeader::Forwarded => forwarded(text).unwrap_or_default(),
            ForwardingHeader::XForwardedFor => Self {
                address: node(text).or_else(|| text.parse().ok().map(IpAddr::V6)),
                https: None,
            },
        }
    }
}

/// `for=192.0.2.60;proto=http;by=203.0.113.43` (RFC 7239 section 4); `None` if malformed.
fn forwarded(element: &str) -> Option<Hop> {
    let mut address = None;
    let mut proto = None;
    let mut rest = element;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ';']);
        if rest.is_empty() {
            break;
        }
        let (name, after) = rest.split_once('=')?;
        let (value, after) = parameter_value(after)?;
        if !is_token(name) {
            return None;
        }
        // A parameter that occurs twice could be read in two ways.
        if name.eq_ignore_ascii_case("for") {
            if address.replace(node(value)).is_some() {
                return None;
            }
        } else if name.eq_ignore_ascii_case("proto")
            && proto.replace(value.eq_ignore_ascii_case("https")).is_some()
        {
            return None;
        }
        rest = after;
    }
    Some(Hop {
        address: address.flatten(),
        https: proto,
    })
}

/// A value, without its quotes, and what follows its semicolon.
fn parameter_value(text: &str) -> Option<(&str, &str)> {
    let (value, after) = match text.strip_prefix('"') {
        Some(quoted) => {
            // A value that needs a backslash is no address and no protocol: it is left as it is.
            let mut escaped = false;
            let end = quoted.find(|c| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            })?;
            let (value, after) = quoted.split_at(end);
            (value, after.strip_prefix('"')?)
        }
        None => {
            let (value, after) = text.split_at(text.find(';').unwrap_or(text.len()));
            let value = value.trim_end_matches([' ', '\t']);
            // Addresses with a port should be quoted and often are not: that is harmless.
            if value.contains(['"', ' ', '\t', '\\']) {
                return None;
            }
            (value, after)
        }
    };
    let after = after.trim_start_matches([' ', '\t']);
    (after.is_empty() || after.starts_with(';')).then_some((value, after))
}

fn is_token(text: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_tchar)
}

/// `192.0.2.60`: what the standard library takes for an IPv4 address, read in one pass over bytes
/// that need not be text.
fn dotted_quad(entry: &[u8]) -> Option<Ipv4Addr> {
    let (mut bits, mut octet, mut digits, mut dots) = (0_u32, 0, 0, 0);
    for &byte in entry {
        match byte {
            // A leading zero could be read as octal.
            b'0'..=b'9' if digits == 0 || octet > 0 => {
                octet = octet * 10 + u32::from(byte - b'0');
                digits += 1;
                if octet > 255 {
                    return None;
                }
            }
            b'.' if digits > 0 && dots < 3 => {
                bits = bits << 8 | octet;
                (octet, digits) = (0, 0);
                dots += 1;
            }
            _ => return None,
        }
    }
    (digits > 0 && dots == 3).then(|| Ipv4Addr::from_bits(bits << 8 | octet))
}

/// `192.0.2.60`, `192.0.2.60:4711`, `[2001:db8::1]`, `[2001:db8::1]:4711`.
///
/// `None` for everything else, such as `unknown` and `_hidden`.
fn node(text: &str) -> Option<IpAddr> {
    let (address, port) = match text.strip_prefix('[') {
        Some(bracketed) => {
            let (address, port) = bracketed.split_once(']')?;
            (IpAddr::V6(address.parse::<Ipv6Addr>().ok()?), port)
        }
        None => {
            let (address, port) = text.split_at(text.find(':').unwrap_or(text.len()));
            (IpAddr::V4(address.parse::<Ipv4Addr>().ok()?), port)
        }
    };
    is_port(port).then_some(address)
}

/// Nothing, `:4711`, or the obfuscated `:_secret`.
fn is_port(text: &str) -> bool {
    let Some(port) = text.strip_prefix(':') else {
        return text.is_empty();
    };
    match port.strip_prefix('_') {
        Some(hidden) => is_token(hidden),
        None => (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::tests::Random;

    /// P2: the short way is the standard library's, for all that looks like an address.
    #[test]
    fn p2_a_dotted_quad_is_an_ipv4_address() {
        const PARTS: [&str; 16] = [
            "0", "00", "01", "1", "9", "10", "099", "199", "249", "255", "256", "300", "1000", ".",
            "", "a",
        ];
        let mut random = Random(11);
        let mut part = || PARTS[random.below(PARTS.len() as u64) as usize];
        let mut addresses = 0;
        for round in 0..200_000 {
            let octets: Vec<_> = (0..3 + round % 3).map(|_| part()).collect();
            let text = octets.join(["", ".", "."][round / 3 % 3]);
            let expected = text.parse().ok();
            assert_eq!(dotted_quad(text.as_bytes()), expected, "{text}");
            addresses += usize::from(expected.is_some());
        }
        assert!(addresses > 1_000, "{addresses}");
        assert_eq!(dotted_quad(b"192.0.2.6\xff"), None);
    }

    /// P2: a comma that is nearest counts at once, whatever stands to the left of it.
    #[test]
    fn p2_an_entry_ends_at_the_comma_that_is_not_quoted() {
        let split = |value: &'static str| {
            let (rest, entry) = split_last(value.as_bytes());
            (rest.map(|rest| str::from_utf8(rest).unwrap()), entry)
        };
        assert_eq!(split("a, b"), (Some("a"), &b" b"[..]));
        assert_eq!(split("\"a, b"), (Some("\"a"), &b" b"[..]));
        assert_eq!(split("a,\"b,c\""), (Some("a"), &b"\"b,c\""[..]));
        assert_eq!(split("a\"b,c\\\"d"), (Some("a\"b"), &b"c\\\"d"[..]));
        assert_eq!(split("a\"b\""), (None, &b"a\"b\""[..]));
        for length in [MAX_ENTRY - 1, MAX_ENTRY, MAX_ENTRY + 1] {
            for quote in ["", "\""] {
                let value = format!("x,{quote}{}", "y".repeat(length - quote.len()));
                let is_split = split_last(value.as_bytes()).0.is_some();
                // A quote that nobody closes hides what is to the left of it.
                assert_eq!(is_split, length <= MAX_ENTRY && quote.is_empty());
            }
        }
    }
}
