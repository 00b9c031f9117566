//! What the store holds, and how it is written there.

use std::fmt::Write;

/// Whose tokens an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Level {
    /// Everybody's.
    All,
    /// Those of a client.
    Client,
    /// Those of an issuer.
    Issuer,
    /// Those of a session.
    Session,
    /// Those of a subject.
    Subject,
    /// One token, by its `jti`.
    Token,
}

impl Level {
    const LETTERS: [(Self, char); 6] = [
        (Self::All, 'a'),
        (Self::Client, 'c'),
        (Self::Issuer, 'i'),
        (Self::Session, 's'),
        (Self::Subject, 'u'),
        (Self::Token, 't'),
    ];
}

/// What an entry is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Kind of the rest.
    pub level: Level,
    /// `iss` of the tokens; empty at [`Level::All`].
    pub issuer: Box<str>,
    /// `jti`, `sub`, `client_id` or `sid`; empty at the other levels.
    pub identifier: Box<str>,
}

impl Key {
    /// An entry's key.
    pub fn new(level: Level, issuer: &str, identifier: &str) -> Self {
        Self {
            level,
            issuer: issuer.into(),
            identifier: identifier.into(),
        }
    }

    /// One text for each key, and no other key's: the length keeps the parts apart.
    pub(super) fn encode(&self) -> String {
        let letter = Level::LETTERS
            .iter()
            .find(|(level, _)| *level == self.level)
            .map_or('?', |(_, letter)| *letter);
        let mut text = String::with_capacity(self.issuer.len() + self.identifier.len() + 6);
        let _ = write!(
            text,
            "{letter}{}:{}{}",
            self.issuer.len(),
            self.issuer,
            self.identifier
        );
        text
    }

    pub(super) fn decode(text: &str) -> Option<Self> {
        let mut rest = text.chars();
        let letter = rest.next()?;
        let (length, parts) = rest.as_str().split_once(':')?;
        let (issuer, identifier) = parts.split_at_checked(length.parse().ok()?)?;
        let (level, _) = Level::LETTERS.iter().find(|(_, other)| *other == letter)?;
        Some(Self::new(*level, issuer, identifier))
    }
}

/// An entry: tokens of `key` that were issued up to the cut-off are no longer valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whose tokens.
    pub key: Key,
    /// Milliseconds since 1970.
    pub cut_off_ms: u64,
    /// When no token can be left that it is about; milliseconds since 1970.
    pub forget_at_ms: u64,
}

/// One line of the stream, or one entry of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The entry no longer applies.
    Lifted(Key),
    /// The entry is now this.
    Revoked(Record),
}

impl Change {
    pub(super) fn decode(key: &str, value: &str) -> Option<Self> {
        let key = Key::decode(key)?;
        match value.split_once(':')? {
            ("-", _) => Some(Self::Lifted(key)),
            (cut_off, forget_at) => Some(Self::Revoked(Record {
                key,
                cut_off_ms: cut_off.parse().ok()?,
                forget_at_ms: forget_at.parse().ok()?,
            })),
        }
    }
}

/// Up to when the tokens of an entry were issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutOff {
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

    #[test]
    fn keys_survive_the_store() {
        for (level, _) in Level::LETTERS {
            for (issuer, identifier) in [("", ""), ("https://a:1", "7:x"), ("é", "ü"), ("", "3:")]
            {
                let key = Key::new(level, issuer, identifier);
                assert_eq!(Key::decode(&key.encode()), Some(key));
            }
        }
    }

    #[test]
    fn parts_of_a_key_do_not_run_together() {
        let keys = [("ab", "c"), ("a", "bc"), ("", "abc"), ("abc", "")]
            .map(|(issuer, identifier)| Key::new(Level::Token, issuer, identifier).encode());
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
