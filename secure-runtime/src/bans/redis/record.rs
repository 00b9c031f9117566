//! What the store holds of a network.

use std::{sync::Arc, time::Duration};

use ipnet::IpNet;

use super::Change;
use crate::bans::network::{Key, canonical};

/// What has become of a network. Times are the store's, in milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Record {
    Banned {
        until: u64,
        forget: u64,
        level: u32,
        reason: Arc<str>,
    },
    Lifted,
}

/// The network of an entry; `None` where it is none.
pub(super) fn decode_key(text: &str) -> Option<IpNet> {
    text.parse().ok().map(canonical)
}

impl Record {
    pub(super) fn decode(text: &str) -> Option<Self> {
        let mut parts = text.splitn(5, ':');
        // When it was made matters to the store alone.
        let [until, forget, level, _made, reason] = std::array::from_fn(|_| parts.next());
        let forget = forget?.parse().ok()?;
        if until? == "-" {
            return Some(Self::Lifted);
        }
        Some(Self::Banned {
            until: until?.parse().ok()?,
            forget,
            level: level?.parse().ok()?,
            reason: reason?.into(),
        })
    }
}

/// A change as the script that writes takes it: relative to `now`, which is a time of this process.
/// `made` is the store's time at which it was made.
pub(super) fn encode(what: &str, key: Key, change: &Change, made: u64, now: u64) -> [String; 7] {
    let rest = |time: u64| Duration::from_nanos(time.saturating_sub(now)).as_millis();
    let network = key.to_net();
    match change {
        Change::Ban(ban) | Change::Replace(ban) => [
            what.to_owned(),
            network.to_string(),
            rest(ban.until).to_string(),
            rest(ban.forget).to_string(),
            ban.level.to_string(),
            made.to_string(),
            ban.reason.to_string(),
        ],
        Change::Lift { forget } => [
            what.to_owned(),
            network.to_string(),
            String::from("0"),
            // As long as a process may be away that has not heard of it.
            rest(*forget).max(LIFT_REMEMBERED.as_millis()).to_string(),
            String::from("0"),
            made.to_string(),
            String::new(),
        ],
    }
}

/// A lift is remembered for so long at least.
const LIFT_REMEMBERED: Duration = Duration::from_secs(10 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read() {
        assert_eq!(
            Record::decode("12:34:2:11:a reason: of two parts"),
            Some(Record::Banned {
                until: 12,
                forget: 34,
                level: 2,
                reason: "a reason: of two parts".into(),
            })
        );
        assert_eq!(Record::decode("-:34:0:11:"), Some(Record::Lifted));
        for text in [
            "",
            "1",
            "1:2",
            "1:2:3",
            "1:2:3:r",
            "x:2:3:1:r",
            "1:x:3:1:r",
            "1:2:x:1:r",
            "-:x:0:1:",
            "-",
        ] {
            assert_eq!(Record::decode(text), None, "{text}");
        }
    }

    #[test]
    fn networks_survive_the_store() {
        for text in [
            "203.0.113.7/32",
            "10.0.0.0/8",
            "2001:db8::/56",
            "2001:db8::1/128",
        ] {
            let target = decode_key(text).unwrap();
            assert_eq!(target.to_string(), text);
            assert_eq!(Key::new(target).to_net().to_string(), text);
        }
        assert_eq!(decode_key("203.0.113.7"), None);
    }
}
