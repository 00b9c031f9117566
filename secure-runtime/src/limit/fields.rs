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

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt::Write,
    sync::{Mutex, PoisonError},
};

use actix_web::http::header::HeaderValue;

use crate::{
    backwards::Backwards,
    policy::{Per, Policy, Quota},
};

/// Room for three quotas.
const USUAL_LENGTH: usize = 192;

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
///
/// A policy is a static, and so is what is said of it, once for each in a process: a value that
/// counted its clones would make all workers write to one place at each request.
pub(super) fn policy(policy: &'static Policy) -> Option<HeaderValue> {
    static SAID: Mutex<BTreeMap<usize, &'static str>> = Mutex::new(BTreeMap::new());
    let address = std::ptr::from_ref(policy).addr();
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    let text = *said
        .entry(address)
        .or_insert_with(|| policy_text(policy.quotas).leak());
    // Labels are printable ASCII.
    (!text.is_empty()).then(|| HeaderValue::from_static(text))
}

fn policy_text(quotas: &[Quota]) -> String {
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
    items.collect::<Vec<_>>().join(", ")
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
        self.0.len() + MOST_REMAINING + WAIT.len() + MOST_SECONDS + SEPARATOR.len()
    }
}

/// Digits of the units that remain: they have 32 bits.
const MOST_REMAINING: usize = u32::MAX.ilog10() as usize + 1;

/// Digits of a wait.
const MOST_SECONDS: usize = seconds(u64::MAX).ilog10() as usize + 1;

const WAIT: &[u8] = b";t=";
const SEPARATOR: &[u8] = b", ";

/// One quota: its name, units that remain, and seconds to wait.
type State<'a> = (&'a Label, u32, u64);

/// The value of `RateLimit` from labels, units that remain, and nanoseconds to wait. It is at most
/// `longest` bytes long.
pub(super) fn state<'a>(
    states: impl DoubleEndedIterator<Item = State<'a>>,
    longest: usize,
) -> Option<HeaderValue> {
    let mut states = states.map(|(label, remaining, nanos)| (label, remaining, seconds(nanos)));
    let last = states.next_back()?;
    match states.next_back() {
        None => one(last, longest),
        Some(before) => write([last, before].into_iter().chain(states.rev()), longest),
    }
}

/// Most callers are far from their limits, so most values are like one that was written before.
/// These are kept, in each thread for itself.
const KEPT: usize = 64;

struct Kept {
    remaining: u32,
    seconds: u64,
    value: HeaderValue,
}

thread_local! {
    static VALUES: RefCell<[Option<Kept>; KEPT]> =
        const { RefCell::new([const { None }; KEPT]) };
}

/// The value where there is one quota.
fn one((label, remaining, seconds): State<'_>, longest: usize) -> Option<HeaderValue> {
    let place = std::ptr::from_ref(label).addr() / align_of::<Label>();
    let place = place.wrapping_add(remaining as usize) % KEPT;
    VALUES.with_borrow_mut(|values| {
        let kept = values.get_mut(place)?;
        if let Some(kept) = kept
            && (kept.remaining, kept.seconds) == (remaining, seconds)
            && kept.value.as_bytes().starts_with(label.0.as_bytes())
        {
            return Some(kept.value.clone());
        }
        let value = write([(label, remaining, seconds)].into_iter(), longest)?;
        *kept = Some(Kept {
            remaining,
            seconds,
            value: value.clone(),
        });
        Some(value)
    })
}

/// Writes the last of them first.
fn write<'a>(states: impl Iterator<Item = State<'a>>, longest: usize) -> Option<HeaderValue> {
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
    let mut value = Backwards::new(room);
    for (label, remaining, seconds) in states {
        if !value.written().is_empty() {
            value.text(SEPARATOR);
        }
        value.number(seconds);
        value.text(WAIT);
        value.number(u64::from(remaining));
        value.text(label.0.as_bytes());
    }
    // Labels are printable ASCII.
    HeaderValue::from_bytes(value.written()).ok()
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

    /// L3: more of them than are kept, and labels that begin alike.
    #[test]
    fn values_that_are_kept_are_not_mixed_up() {
        let labels = ["a", "a\";r=1", "ab", "b"].map(Label::new);
        for _ in 0..2 {
            for remaining in 0..200 {
                for (label, wait) in labels.iter().flat_map(|label| [(label, 1), (label, 2)]) {
                    for _ in 0..2 {
                        let told = [(label, remaining, wait * NANOS_PER_SECOND)].into_iter();
                        let told = state(told, label.longest_item()).unwrap();
                        let expected = format!("{}{remaining};t={wait}", label.0);
                        assert_eq!(told, expected.as_str());
                    }
                }
            }
        }
    }
}
