//! What an operator is told of commands that the server refuses, while it is well otherwise.

use std::fmt;

use super::Fault;
use crate::{address::Notice, clock::Clock};

/// The longest name of a command; no command of any server has a longer one.
const LONGEST_NAME: usize = 40;

/// Counts refusals of each kind, and says when one is told: a flood is refused with every request.
#[derive(Debug, Default)]
pub(super) struct Refusals([Notice; KINDS]);

/// What was refused. Holds nothing that a request has sent: of the server's own words only the name
/// of a command is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused<'a> {
    /// The user (ACL) has no right to a command. One that a script calls is not always named.
    Command(Option<&'a str>),
    /// `OOM`.
    Full,
    /// The user has no right to a key.
    Key,
    /// A script or its data are wrong, or a command is not known.
    Other,
}

const KINDS: usize = 4;

impl Refusals {
    /// How many of the kind there were since the last line, if it is time for another one.
    pub(super) fn count(&self, refused: Refused<'_>, clock: &Clock) -> Option<u64> {
        self.0.get(refused.kind())?.due(clock)
    }
}

impl<'a> Refused<'a> {
    /// Of a fault that is one of the command.
    pub(super) fn of(fault: &'a Fault) -> Self {
        let Fault::Redis(error) = fault else {
            return Self::Other;
        };
        let text = error.detail().unwrap_or_default();
        match error.code() {
            Some("OOM") => Self::Full,
            // Within a script it is an `ERR`, and each version has words of its own.
            Some("ERR" | "NOPERM") if text.contains("to run the '") => {
                Self::Command(name(text, "to run the '"))
            }
            Some("ERR") if text.contains("can't run this command") => Self::Command(None),
            Some("ERR") if text.contains("can't access") => Self::Key,
            Some("NOPERM") if text.contains("access") => Self::Key,
            Some("NOPERM") => Self::Command(None),
            _ => Self::Other,
        }
    }

    fn kind(self) -> usize {
        match self {
            Self::Command(_) => 0,
            Self::Full => 1,
            Self::Key => 2,
            Self::Other => 3,
        }
    }
}

/// The name of a command between `before` and a quotation mark.
fn name<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    let (name, _) = rest.split_once('\'')?;
    let is_of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || b"|-_.".contains(&byte);
    (name.len() <= LONGEST_NAME && name.bytes().all(is_of_a_name)).then_some(name)
}

impl fmt::Display for Refused<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(Some(name)) => write!(f, "its user has no right to run `{name}`"),
            Self::Command(None) => f.write_str(
                "its user has no right to a command that a script calls; `ACL LOG` names it",
            ),
            Self::Full => f.write_str("all of its `maxmemory` is in use"),
            Self::Key => f.write_str("its user has no right to a key; `ACL LOG` names it"),
            Self::Other => f.write_str("it cannot carry out a command"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use redis::{ServerError, parse_redis_value};

    use super::*;

    /// As it comes off the wire.
    fn said(line: &str) -> Fault {
        let value = parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        let error: ServerError = match value {
            redis::Value::ServerError(error) => error,
            value => panic!("{value:?}"),
        };
        Fault::Redis(error.into())
    }

    /// The words of Redis 6, 7.0 and 7.2.
    #[test]
    fn what_is_refused_is_known_by_every_servers_words() {
        for (line, refused) in [
            (
                "NOPERM this user has no permissions to run the 'hset' command or its subcommand",
                Refused::Command(Some("hset")),
            ),
            (
                "NOPERM this user has no permissions to run the 'config|get' command",
                Refused::Command(Some("config|get")),
            ),
            (
                "NOPERM User shop has no permissions to run the 'script|load' command",
                Refused::Command(Some("script|load")),
            ),
            (
                "ERR The user executing the script can't run this command or subcommand script: \
                 dbd957e9780ea9177bab6166b821f838cb4d84bd, on @user_script:1.",
                Refused::Command(None),
            ),
            (
                "ERR ACL failure in script: User shop has no permissions to run the 'set' command",
                Refused::Command(Some("set")),
            ),
            (
                "NOPERM this user has no permissions to access one of the keys used as arguments",
                Refused::Key,
            ),
            ("NOPERM No permissions to access a key", Refused::Key),
            (
                "ERR The user executing the script can't access at least one of the keys mentioned",
                Refused::Key,
            ),
            (
                "OOM command not allowed when used memory > 'maxmemory'.",
                Refused::Full,
            ),
            (
                "NOPERM something of a later version",
                Refused::Command(None),
            ),
            (
                "ERR Script attempted to access a non local key in a cluster node script: \
                 dbd957e9780ea9177bab6166b821f838cb4d84bd, on @user_script:1.",
                Refused::Other,
            ),
            (
                "ERR user_script:1: arithmetic on a nil value",
                Refused::Other,
            ),
            ("WRONGTYPE Operation against a key", Refused::Other),
        ] {
            let fault = said(line);
            assert!(fault.is_of_the_command(), "{line}");
            assert_eq!(Refused::of(&fault), refused, "{line}");
        }
    }

    /// Of what the server quotes nothing is told but the name of a command.
    #[test]
    fn no_key_no_argument_and_no_user_is_told() {
        let long = format!(
            "NOPERM User ann has no permissions to run the '{:-<90}' command",
            "a"
        );
        for line in [
            "NOPERM User ann has no permissions to access the '{secure}:ann@example.com' key",
            "NOPERM User ann has no permissions to run the 'ann@example.com' command",
            "NOPERM User ann has no permissions to run the 'ann",
            "ERR unknown command 'EVAL', with args beginning with: 'ann@example.com'",
            "ERR Error running script: ann",
            "OOM ann",
            &long,
        ] {
            let fault = said(line);
            let told = Refused::of(&fault).to_string();
            assert!(!told.contains("ann@") && !told.contains("ann "), "{told}");
            assert!(!told.ends_with("ann") && told.len() < 90, "{told}");
        }
    }

    #[test]
    fn a_flood_is_told_of_once_a_minute_and_each_kind_by_itself() {
        let (clock, hand) = Clock::manual();
        let refusals = Refusals::default();
        let count = |refused| refusals.count(refused, &clock);
        assert_eq!(count(Refused::Full), Some(1));
        for _ in 0..1_000 {
            assert_eq!(count(Refused::Full), None);
        }
        assert_eq!(count(Refused::Command(Some("a"))), Some(1));
        assert_eq!(count(Refused::Command(None)), None);
        assert_eq!(count(Refused::Key), Some(1));
        assert_eq!(count(Refused::Other), Some(1));
        hand.advance(Duration::from_secs(60));
        assert_eq!(count(Refused::Full), Some(1_001));
        assert_eq!(count(Refused::Full), None);
    }
}
