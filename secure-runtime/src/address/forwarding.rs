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
    let mut quoted = false;
    // One step more than an entry may be long: what is found too late is malformed anyway.
    let from_right = value.iter().enumerate().rev().take(MAX_ENTRY + 1);
    for (place, &byte) in from_right {
        match byte {
            b'"' if !is_escaped(value, place) => quoted = !quoted,
            b',' if !quoted => {
                let (rest, entry) = value.split_at(place);
                return (Some(rest), entry.get(1..).unwrap_or_default());
            }
            _ => {}
        }
    }
    (None, value)
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
