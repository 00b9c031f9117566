//! The `RateLimit` and `RateLimit-Policy` header fields, after
//! draft-ietf-httpapi-ratelimit-headers-11. This is an Internet-Draft and may change.
//!
//! `RateLimit-Policy: "10/min";q=10;w=60` states a quota. `q` is the limit and `w` its period;
//! where the burst is larger than the limit they are the burst and the time in which it comes
//! back, which is the same rate and never less than what `RateLimit` says is left.
//!
//! `RateLimit: "10/min";r=9;t=6` says that 9 units are left, and that in 6 seconds there is one
//! more (rounded up). A request takes one unit, or as many as its route costs. In a refusal `r` is 0,
//! since none of what is left can be used here, and `t` is the wait.
//!
//! Quotas `per route` are left out: what others have used is not the caller's matter, and shows
//! how much the service can take.

use std::fmt::Write;

use actix_web::http::header::HeaderValue;

use crate::policy::{Per, Quota};

/// Room for three quotas.
const USUAL_LENGTH: usize = 128;

/// Digits of the greatest number.
const MOST_DIGITS: usize = 20;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// Whole seconds that are not less than so many nanoseconds.
pub(super) const fn seconds(nanos: u64) -> u64 {
    nanos.div_ceil(NANOS_PER_SECOND)
}

/// Whether callers are told of a quota.
pub(super) fn is_shown(quota: &Quota) -> bool {
    match quota.per {
        Per::Ip | Per::User => true,
        Per::Route => false,
    }
}

/// A quota's name as a String of RFC 9651, with its quotes.
///
/// A String holds printable ASCII only. Other bytes of the developer's text are percent-encoded.
pub(super) fn label(name: &str) -> String {
    let mut label = String::with_capacity(name.len() + 2);
    label.push('"');
    for byte in name.bytes() {
        match byte {
            b'"' | b'\\' => label.extend(['\\', char::from(byte)]),
            b' '..=b'~' => label.push(char::from(byte)),
            // Writing to a String does not fail.
            _ => {
                let _ = write!(label, "%{byte:02x}");
            }
        }
    }
    label.push('"');
    label
}

/// The value of `RateLimit-Policy`; `None` if there is nothing to show.
pub(super) fn policy<'a>(
    quotas: impl Iterator<Item = (&'a str, &'a Quota)>,
) -> Option<HeaderValue> {
    let mut value = List::new();
    for (label, quota) in quotas {
        let (allotted, window) = if quota.burst > quota.limit {
            (
                quota.burst,
                seconds(quota.interval_nanos() * u64::from(quota.burst)),
            )
        } else {
            (quota.limit, u64::from(quota.period_seconds))
        };
        value.item(label, [(";q=", u64::from(allotted)), (";w=", window)]);
    }
    value.finish()
}

/// The value of `RateLimit` from labels, units that remain, and nanoseconds to wait.
pub(super) fn state<'a>(states: impl Iterator<Item = (&'a str, u32, u64)>) -> Option<HeaderValue> {
    let mut value = List::new();
    for (label, remaining, nanos) in states {
        value.item(
            label,
            [(";r=", u64::from(remaining)), (";t=", seconds(nanos))],
        );
    }
    value.finish()
}

/// A List of Items with Integer parameters (RFC 9651 section 3.1).
///
/// It is written where no memory needs to be asked for, so that a value costs one allocation: its
/// own.
struct List {
    start: [u8; USUAL_LENGTH],
    length: usize,
    /// All of it, once it is longer than usual.
    long: Vec<u8>,
}

impl List {
    fn new() -> Self {
        Self {
            start: [0; USUAL_LENGTH],
            length: 0,
            long: Vec::new(),
        }
    }

    /// Parameters are `;name=` and a number.
    fn item(&mut self, label: &str, parameters: [(&str, u64); 2]) {
        if self.length > 0 {
            self.push(b", ");
        }
        self.push(label.as_bytes());
        for (name, value) in parameters {
            self.push(name.as_bytes());
            self.number(value);
        }
    }

    /// Without the machinery of `write!`: it would be a third of the cost of a field.
    fn number(&mut self, mut number: u64) {
        let mut digits = [b'0'; MOST_DIGITS];
        let mut first = MOST_DIGITS;
        for (place, digit) in digits.iter_mut().enumerate().rev() {
            // A remainder of ten fits.
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
            first = place;
            if number == 0 {
                break;
            }
        }
        self.push(digits.get(first..).unwrap_or_default());
    }

    fn push(&mut self, text: &[u8]) {
        let end = self.length + text.len();
        match self.start.get_mut(self.length..end) {
            Some(place) => place.copy_from_slice(text),
            None => {
                if self.long.is_empty() {
                    let start = self.start.get(..self.length);
                    self.long.extend_from_slice(start.unwrap_or_default());
                }
                self.long.extend_from_slice(text);
            }
        }
        self.length = end;
    }

    fn finish(self) -> Option<HeaderValue> {
        let text = match self.start.get(..self.length) {
            Some(text) => text,
            None => &self.long,
        };
        // Labels are printable ASCII, so this is `None` for an empty list only.
        match text.is_empty() {
            true => None,
            false => HeaderValue::from_bytes(text).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// L5: values around the length at which they need memory of their own, and numbers of every
    /// length.
    #[test]
    fn a_value_is_the_same_however_long_it_is() {
        for length in 0..2 * USUAL_LENGTH {
            let label = format!("\"{}\"", "a".repeat(length));
            let nanos = 10_u64.saturating_pow(length as u32);
            let remaining = u32::try_from(nanos).unwrap_or(u32::MAX);
            let told = state([(&*label, remaining, nanos), ("\"b\"", 0, 1)].into_iter()).unwrap();
            let wait = nanos.div_ceil(1_000_000_000);
            let expected = format!("{label};r={remaining};t={wait}, \"b\";r=0;t=1");
            assert_eq!(told, expected.as_str());
        }
        assert_eq!(state(std::iter::empty()), None);
    }
}
