//! What the store holds, and how it is written there.

use crate::revocation::target::{Key, Level, RevocationTarget};

const LETTERS: [(Level, char); 6] = [
    (Level::Client, 'c'),
    (Level::Everybody, 'e'),
    (Level::Issuer, 'i'),
    (Level::Session, 's'),
    (Level::Subject, 'u'),
    (Level::Token, 't'),
];

/// One text for each target, and no other's: the length keeps the parts apart.
pub(super) fn encode(target: &RevocationTarget) -> String {
    let Key {
        level,
        issuer,
        name,
    } = target.key();
    let letter = LETTERS.iter().find(|(other, _)| *other == level);
    let letter = letter.map_or('?', |(_, letter)| *letter);
    format!("{letter}{}:{issuer}{name}", issuer.len())
}

fn decode(text: &str) -> Option<RevocationTarget> {
    let mut rest = text.chars();
    let letter = rest.next()?;
    let (length, parts) = rest.as_str().split_once(':')?;
    let (issuer, name) = parts.split_at_checked(length.parse().ok()?)?;
    let (level, _) = LETTERS.iter().find(|(_, other)| *other == letter)?;
    let key = Key {
        level: *level,
        issuer,
        name,
    };
    Some(key.to_target())
}

/// An entry: tokens of `target` that were issued up to the cut-off are no longer valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::revocation) struct Record {
    pub(in crate::revocation) target: RevocationTarget,
    /// Milliseconds since 1970; of a single token when it expires.
    pub(in crate::revocation) cut_off_ms: u64,
    /// When no token can be left that it is about; milliseconds since 1970.
    pub(in crate::revocation) forget_at_ms: u64,
}

/// One line of the stream, or one entry of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::revocation) enum Change {
    /// The entry no longer applies.
    Lifted(RevocationTarget),
    /// The entry is now this.
    Revoked(Record),
}

impl Change {
    pub(super) fn decode(key: &str, value: &str) -> Option<Self> {
        let target = decode(key)?;
        match value.split_once(':')? {
            ("-", _) => Some(Self::Lifted(target)),
            (cut_off, forget_at) => Some(Self::Revoked(Record {
                target,
                cut_off_ms: cut_off.parse().ok()?,
                forget_at_ms: forget_at.parse().ok()?,
            })),
        }
    }
}

/// Up to when the tokens of an entry were issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::revocation) enum CutOff {
    /// A time, and the time at which to forget; milliseconds since 1970.
    At {
        /// Tokens issued up to here are no longer valid.
        cut_off_ms: u64,
        /// The last of them has ended by then.
        forget_at_ms: u64,
    },
    /// The store's own time, so that no process' clock matters.
    Now {
        /// How much later, because the issuer's clock is ahead.
        ahead_ms: u64,
        /// How long after now the last of them has ended.
        keep_ms: u64,
    },
}

impl CutOff {
    /// As the script that writes takes it.
    pub(super) fn encode(self) -> [String; 2] {
        match self {
            Self::At {
                cut_off_ms,
                forget_at_ms,
            } => [
                exact(cut_off_ms).to_string(),
                exact(forget_at_ms).to_string(),
            ],
            Self::Now { ahead_ms, keep_ms } => [
                format!("+{}", exact(ahead_ms)),
                format!("+{}", exact(keep_ms)),
            ],
        }
    }
}

/// The numbers of a script are exact up to here; in milliseconds, 285,000 years.
fn exact(millis: u64) -> u64 {
    millis.min(1 << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(level: Level, issuer: &str, name: &str) -> RevocationTarget {
        let key = Key {
            level,
            issuer,
            name,
        };
        key.to_target()
    }

    #[test]
    fn targets_survive_the_store() {
        for (level, _) in LETTERS {
            for (issuer, name) in [("", ""), ("https://a:1", "7:x"), ("é", "ü"), ("", "3:")] {
                let target = target(level, issuer, name);
                assert_eq!(decode(&encode(&target)), Some(target));
            }
        }
    }

    #[test]
    fn parts_of_a_target_do_not_run_together() {
        let keys = [("ab", "c"), ("a", "bc"), ("", "abc"), ("abc", "")]
            .map(|(issuer, name)| encode(&target(Level::Token, issuer, name)));
        for (place, key) in keys.iter().enumerate() {
            assert!(!keys[..place].contains(key), "{key}");
        }
    }

    #[test]
    fn what_is_not_an_entry_is_not_read_as_one() {
        for (key, value) in [
            ("", "1:2"),
            ("t9:abc", "1:2"),
            ("t1:é", "1:2"),
            ("x0:", "1:2"),
            ("t0:a", "1"),
            ("t0:a", ":"),
            ("t0:a", "-1:2"),
        ] {
            assert_eq!(Change::decode(key, value), None, "{key} {value}");
        }
    }
}
