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
pub(super) fn policy(quotas: &[Quota]) -> Option<HeaderValue> {
    let shown = quotas.iter().filter(|quota| is_shown(quota));
    let items = shown.map(|quota| {
        let label = label(quota.name);
        let (allotted, window) = if quota.burst > quota.limit {
            (
                quota.burst,
                seconds(quota.interval_nanos() * u64::from(quota.burst)),
            )
        } else {
            (quota.limit, u64::from(quota.period_seconds))
        };
        format!("{label};q={allotted};w={window}")
    });
    let items: Vec<_> = items.collect();
    // Labels are printable ASCII, so this is `None` for an empty list only.
    let value = HeaderValue::try_from(items.join(", ")).ok()?;
    (!value.is_empty()).then_some(value)
}

/// A quota as `RateLimit` names it.
#[derive(Debug)]
pub(super) struct Label(String);

impl Label {
    pub(super) fn new(name: &str) -> Self {
        Self(label(name) + ";r=")
    }

    /// Bytes that its item takes at most, with what stands between two.
    pub(super) fn longest_item(&self) -> usize {
        self.0.len() + WAIT.len() + 2 * MOST_DIGITS + SEPARATOR.len()
    }
}

const WAIT: &[u8] = b";t=";
const SEPARATOR: &[u8] = b", ";

/// The value of `RateLimit` from labels, units that remain, and nanoseconds to wait. It is at most
/// `longest` bytes long.
pub(super) fn state<'a>(
    states: impl DoubleEndedIterator<Item = (&'a Label, u32, u64)>,
    longest: usize,
) -> Option<HeaderValue> {
    // Where no memory needs to be asked for, so that a value costs one allocation: its own.
    let mut usual = [0; USUAL_LENGTH];
    let mut long = Vec::new();
    let room = match usual.get_mut(..longest) {
        Some(room) => room,
        None => {
            long.resize(longest, 0);
            &mut long
        }
    };
    let mut value = Backwards {
        start: room.len(),
        room,
    };
    for (label, remaining, nanos) in states.rev() {
        if value.start < value.room.len() {
            value.text(SEPARATOR);
        }
        value.number(seconds(nanos));
        value.text(WAIT);
        value.number(u64::from(remaining));
        value.text(label.0.as_bytes());
    }
    value.finish()
}

/// Text that is written from its end, as numbers are: nobody needs to know how long they are.
///
/// Without the machinery of `write!`: it would be a third of the cost of a field.
struct Backwards<'a> {
    room: &'a mut [u8],
    start: usize,
}

impl Backwards<'_> {
    #[inline]
    fn text(&mut self, text: &[u8]) {
        // INVARIANT: there is room for the longest value.
        if let Some(start) = self.start.checked_sub(text.len())
            && let Some(room) = self.room.get_mut(start..self.start)
        {
            room.copy_from_slice(text);
            self.start = start;
        }
    }

    #[inline]
    fn number(&mut self, mut number: u64) {
        loop {
            // A remainder of ten fits.
            self.text(&[b'0' + (number % 10) as u8]);
            number /= 10;
            if number == 0 {
                return;
            }
        }
    }

    /// `None` if nothing was written.
    fn finish(self) -> Option<HeaderValue> {
        let text = self.room.get(self.start..)?;
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
        let b = Label::new("b");
        for length in 0..2 * USUAL_LENGTH {
            let name = "a".repeat(length);
            let a = Label::new(&name);
            let longest = a.longest_item() + b.longest_item();
            let nanos = 10_u64.saturating_pow(length as u32);
            let remaining = u32::try_from(nanos).unwrap_or(u32::MAX);
            let states = [(&a, remaining, nanos), (&b, 0, 1)];
            let told = state(states.into_iter(), longest).unwrap();
            let wait = nanos.div_ceil(1_000_000_000);
            let expected = format!("\"{name}\";r={remaining};t={wait}, \"b\";r=0;t=1");
            assert_eq!(told, expected.as_str());
        }
        assert_eq!(state(std::iter::empty(), 0), None);
    }
}
