//! What can be revoked.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a revocation is about. Every name is unique within its issuer only.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RevocationTarget {
    /// Every token that was issued to a client.
    Client {
        /// Who issued it (`iss`).
        issuer: String,
        /// Which client (`client_id`).
        client_id: String,
    },
    /// Every token.
    Everybody,
    /// Every token of an issuer.
    Issuer {
        /// Which (`iss`).
        issuer: String,
    },
    /// Every token of one session.
    Session {
        /// Who issued them (`iss`).
        issuer: String,
        /// Which session (`sid`).
        session_id: String,
    },
    /// Every token of one subject.
    Subject {
        /// Who issued them (`iss`).
        issuer: String,
        /// Which subject (`sub`).
        subject: String,
    },
    /// One token.
    Token {
        /// Who issued it (`iss`).
        issuer: String,
        /// Which token (`jti`).
        token_id: String,
    },
}

/// The kind of a target, from all tokens to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(super) enum Level {
    Everybody,
    Issuer,
    Client,
    Subject,
    Session,
    Token,
}

/// A target, its texts borrowed. What a level has no name for is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key<'a> {
    pub(super) level: Level,
    pub(super) issuer: &'a str,
    pub(super) name: &'a str,
}

impl RevocationTarget {
    pub(super) fn key(&self) -> Key<'_> {
        let (level, issuer, name) = match self {
            Self::Client { issuer, client_id } => (Level::Client, issuer.as_str(), client_id),
            Self::Everybody => {
                return Key {
                    level: Level::Everybody,
                    issuer: "",
                    name: "",
                };
            }
            Self::Issuer { issuer } => {
                return Key {
                    level: Level::Issuer,
                    issuer,
                    name: "",
                };
            }
            Self::Session { issuer, session_id } => (Level::Session, issuer.as_str(), session_id),
            Self::Subject { issuer, subject } => (Level::Subject, issuer.as_str(), subject),
            Self::Token { issuer, token_id } => (Level::Token, issuer.as_str(), token_id),
        };
        Key {
            level,
            issuer,
            name,
        }
    }
}

impl Level {
    pub(super) const ALL: [Self; 6] = [
        Self::Everybody,
        Self::Issuer,
        Self::Client,
        Self::Subject,
        Self::Session,
        Self::Token,
    ];

    /// Why a token of this level's target is refused, for the log.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Everybody => "token: revoked with every token",
            Self::Issuer => "token: revoked with its issuer",
            Self::Client => "token: revoked with its client",
            Self::Subject => "token: revoked with its subject",
            Self::Session => "token: revoked with its session",
            Self::Token => "token: revoked",
        }
    }
}

impl Key<'_> {
    pub(super) fn to_target(self) -> RevocationTarget {
        let issuer = self.issuer.to_owned();
        let name = self.name.to_owned();
        match self.level {
            Level::Everybody => RevocationTarget::Everybody,
            Level::Issuer => RevocationTarget::Issuer { issuer },
            Level::Client => RevocationTarget::Client {
                issuer,
                client_id: name,
            },
            Level::Subject => RevocationTarget::Subject {
                issuer,
                subject: name,
            },
            Level::Session => RevocationTarget::Session {
                issuer,
                session_id: name,
            },
            Level::Token => RevocationTarget::Token {
                issuer,
                token_id: name,
            },
        }
    }
}

/// Who and which are personal data: only the level and the issuer are shown.
impl fmt::Debug for RevocationTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key();
        f.debug_struct("RevocationTarget")
            .field("level", &key.level)
            .field("issuer", &key.issuer)
            .finish_non_exhaustive()
    }
}
