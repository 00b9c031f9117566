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

/// Room for three quotas, so that a value seldom grows while it is written.
const USUAL_LENGTH: usize = 128;

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
    let mut value = List(String::with_capacity(USUAL_LENGTH));
    for (label, quota) in quotas {
        let (allotted, window) = if quota.burst > quota.limit {
            (
                quota.burst,
                seconds(quota.interval_nanos() * u64::from(quota.burst)),
            )
        } else {
            (quota.limit, u64::from(quota.period_seconds))
        };
        value.item(label, [("q", u64::from(allotted)), ("w", window)]);
    }
    value.finish()
}

/// The value of `RateLimit` from labels, units that remain, and nanoseconds to wait.
pub(super) fn state<'a>(states: impl Iterator<Item = (&'a str, u32, u64)>) -> Option<HeaderValue> {
    let mut value = List(String::with_capacity(USUAL_LENGTH));
    for (label, remaining, nanos) in states {
        value.item(label, [("r", u64::from(remaining)), ("t", seconds(nanos))]);
    }
    value.finish()
}

/// A List of Items with Integer parameters (RFC 9651 section 3.1).
struct List(String);

impl List {
    fn item(&mut self, label: &str, parameters: [(&str, u64); 2]) {
        if !self.0.is_empty() {
            self.0.push_str(", ");
        }
        self.0.push_str(label);
        for (name, value) in parameters {
            self.0.push(';');
            self.0.push_str(name);
            self.0.push('=');
            self.number(value);
        }
    }

    /// Without the machinery of `write!`: it would be a third of the cost of a field.
    fn number(&mut self, number: u64) {
        if number > 9 {
            self.number(number / 10);
        }
        // A remainder of ten fits.
        self.0.push(char::from(b'0' + (number % 10) as u8));
    }

    fn finish(self) -> Option<HeaderValue> {
        // Labels are printable ASCII, so this is `None` for an empty list only.
        match self.0.is_empty() {
            true => None,
            false => HeaderValue::try_from(self.0).ok(),
        }
    }
}
