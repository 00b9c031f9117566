//! The rules over time; the bound of the memory; the shared store against this one.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first thing that is not as it should be"
)]

#[cfg(feature = "redis")]
mod book;
mod keys;
mod memory;
mod properties;
mod rules;
#[cfg(feature = "redis")]
mod shared;
mod steps;
mod timing;

use super::{
    key::{Key, KnownDevice, Subject},
    rules::{Attempt, Limits, Records, Reservation, Rules, Verdict},
};
use crate::settings::LoginSettings;

/// 5/15min, lock 30min, and the default settings.
fn usual() -> Rules {
    Rules {
        attempts: 5,
        window: 15 * 60_000,
        lock: 30 * 60_000,
        limits: Limits::new(&LoginSettings::default()),
    }
}

/// So that only the rule in question is left.
fn patient() -> Rules {
    Rules {
        attempts: 100,
        window: 1000,
        lock: 1000,
        ..usual()
    }
}

const START: u64 = 1_767_225_600_000;
const MINUTE: u64 = 60_000;

const STRANGER: Attempt = Attempt {
    account: 1,
    device: None,
    has_password: true,
    is_bannable: true,
};

/// A failure that nothing refuses.
fn fail(records: &mut Records, rules: &Rules, now: u64) -> Reservation {
    match records.reserve(STRANGER, rules, now) {
        Verdict::Admitted(reservation) => reservation,
        Verdict::Refused(reason) => panic!("{reason:?} at {}", now.abs_diff(START)),
    }
}

/// A key that is spread as real ones are.
fn key(kind: u64, number: u64) -> Key {
    let mix = |seed: u64| {
        let mut x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    };
    let low = mix(kind << 32 | number);
    Key(u128::from(mix(low)) << 64 | u128::from(low))
}

/// An attempt at an account, from a network.
fn subject(account: u64, network: u64) -> Subject {
    Subject {
        marks: key(1, account),
        account: key(2, account),
        pair: key(3, account << 16 | network),
        network: key(4, network),
        device: None,
        password: None,
        is_bannable: true,
    }
}

fn with_device(subject: Subject, account: u64, device: u64, issued: u64) -> Subject {
    Subject {
        device: Some(KnownDevice {
            key: key(5, account << 16 | device),
            id: [0; 16],
            issued,
        }),
        ..subject
    }
}

fn with_password(subject: Subject, password: u64) -> Subject {
    Subject {
        password: Some(key(6, password)),
        ..subject
    }
}

fn admitted(verdict: Verdict) -> Option<Reservation> {
    match verdict {
        Verdict::Admitted(reservation) => Some(reservation),
        Verdict::Refused(_) => None,
    }
}
