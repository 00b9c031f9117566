//! In which direction a route has changed.

use std::{cmp::Ordering, fmt};

use super::{Block, rule};

/// How one route differs from the lock file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Method and path, or `UNGUARDED` and a prefix.
    pub route: String,
    /// In which direction.
    pub change: Change,
    /// Each line that differs: its key, what the lock file says, what the service does.
    pub lines: Vec<(String, Option<String>, Option<String>)>,
}

/// The direction of a [`Difference`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The route is not in the lock file.
    Added,
    /// What is demanded differs in a way that is neither more nor less.
    Changed,
    /// The route is only in the lock file.
    Removed,
    /// The route demands more, and nothing less.
    Strengthened,
    /// The route demands less, in one respect at least.
    Weakened,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Strengthened => "strengthened",
            Self::Weakened => "weakened",
        })
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.change, self.route)?;
        for (key, old, new) in &self.lines {
            let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
            write!(f, "\n    {key}: {} -> {}", text(old), text(new))?;
        }
        Ok(())
    }
}

pub(super) fn compare(old: &[Block], new: &[Block]) -> Vec<Difference> {
    let mut differences: Vec<Difference> = new
        .iter()
        .enumerate()
        .filter_map(|(place, block)| match counterpart(new, place, old) {
            Some(before) => difference(before, block),
            None => Some(whole(block, Change::Added)),
        })
        .collect();
    differences.extend(
        old.iter()
            .enumerate()
            .filter(|(place, _)| counterpart(old, *place, new).is_none())
            .map(|(_, block)| whole(block, Change::Removed)),
    );
    differences
}

/// The block of the same heading among `others`. A heading may come several times: then they are
/// compared in their order.
fn counterpart<'a>(blocks: &[Block], place: usize, others: &'a [Block]) -> Option<&'a Block> {
    let (before, from) = blocks.split_at_checked(place)?;
    let heading = &from.first()?.heading;
    let same = |block: &&Block| block.heading == *heading;
    others
        .iter()
        .filter(same)
        .nth(before.iter().filter(same).count())
}

fn whole(block: &Block, change: Change) -> Difference {
    let lines = block
        .lines
        .iter()
        .map(|(key, value)| {
            let value = Some(value.clone());
            match change {
                Change::Removed => (key.clone(), value, None),
                _ => (key.clone(), None, value),
            }
        })
        .collect();
    Difference {
        route: block.heading.clone(),
        change,
        lines,
    }
}

fn difference(old: &Block, new: &Block) -> Option<Difference> {
    let mut keys: Vec<&str> = Vec::new();
    for (key, _) in new.lines.iter().chain(&old.lines) {
        if !keys.contains(&key.as_str()) {
            keys.push(key);
        }
    }
    let mut lines = Vec::new();
    let mut change = None;
    for key in keys {
        let (before, after) = (old.line(key), new.line(key));
        if before == after {
            continue;
        }
        let this = match demand(key, before.as_deref(), after.as_deref()) {
            Some(Ordering::Less) => Change::Strengthened,
            Some(Ordering::Greater) => Change::Weakened,
            _ => Change::Changed,
        };
        lines.push((key.to_owned(), before, after));
        change = Some(match (change, this) {
            (None, this) => this,
            (Some(Change::Weakened), _) | (_, Change::Weakened) => Change::Weakened,
            (Some(Change::Changed), _) | (_, Change::Changed) => Change::Changed,
            (Some(_), _) => Change::Strengthened,
        });
    }
    change.map(|change| Difference {
        route: new.heading.clone(),
        change,
        lines,
    })
}

/// How much the new value lets through compared with the old: `Less` is stricter; `None` where
/// they cannot be ordered.
fn demand(key: &str, old: Option<&str>, new: Option<&str>) -> Option<Ordering> {
    match key {
        "access" => {
            let open = |value: Option<&str>| value.is_some_and(|value| value.starts_with("public"));
            Some(open(new).cmp(&open(old))).filter(|order| order.is_ne())
        }
        "role" | "scope" | "factor" => rule::compare(old, new),
        // Without the line, any age will do.
        "max_age" => number(new, u64::MAX)?.partial_cmp(&number(old, u64::MAX)?),
        // Without the line it is a public route, or one from before there were revocations.
        "revocation" => staleness(new)?.partial_cmp(&staleness(old)?),
        // Without the line, a silent store means 503.
        "outage" => Some(new.is_some().cmp(&old.is_some())),
        // Without the line, no body is read.
        "max_body" | "body_timeout" => number(new, 0)?.partial_cmp(&number(old, 0)?),
        // Without the line, there is no bound.
        "concurrency" => number(new, u64::MAX)?.partial_cmp(&number(old, u64::MAX)?),
        // Without the line, a request costs one unit. Who pays more comes less often.
        "cost" => number(old, 1)?.partial_cmp(&number(new, 1)?),
        "rate" => rates(old.unwrap_or(""), new.unwrap_or("")),
        "allow" => match (old, new) {
            (None, Some(_)) => Some(Ordering::Less),
            (Some(_), None) => Some(Ordering::Greater),
            _ => None,
        },
        "login" => logins(old, new),
        "unvalidated" => {
            let names = |value: Option<&str>| -> Vec<String> {
                value
                    .into_iter()
                    .flat_map(|value| value.split(", "))
                    .map(str::to_owned)
                    .collect()
            };
            let (old, new) = (names(old), names(new));
            Some(if new.iter().any(|name| !old.contains(name)) {
                Ordering::Greater
            } else {
                Ordering::Less
            })
        }
        _ => None,
    }
}

fn number(value: Option<&str>, absent: u64) -> Option<u64> {
    match value {
        None => Some(absent),
        Some(value) => value.split(' ').next()?.parse().ok(),
    }
}

/// Seconds for which a revoked token may still be good.
fn staleness(value: Option<&str>) -> Option<u64> {
    match value {
        Some(value) if value.starts_with("off") => Some(u64::MAX),
        value => number(value, u64::MAX),
    }
}

/// A quota as read back: amounts and what it counts by.
struct Rate<'a> {
    limit: u64,
    period: u64,
    burst: u64,
    per: &'a str,
    sharing: &'a str,
}

impl<'a> Rate<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (limit, rest) = text.trim().split_once('/')?;
        let (period, rest) = rest.split_once("s burst ")?;
        let (burst, rest) = rest.split_once(" per ")?;
        let (per, sharing) = rest.split_once(' ').unwrap_or((rest, ""));
        Some(Self {
            limit: limit.parse().ok()?,
            period: period.parse().ok()?,
            burst: burst.parse().ok()?,
            per,
            sharing,
        })
    }

    fn is_at_least_as_strict_as(&self, other: &Self) -> bool {
        let lets_through = match (sharing_rank(self.sharing), sharing_rank(other.sharing)) {
            (Some(this), Some(other)) => this <= other,
            _ => self.sharing == other.sharing,
        };
        self.per == other.per
            && lets_through
            && self.burst <= other.burst
            && self.limit * other.period <= other.limit * self.period
    }
}

/// How much more than its number a quota lets through: nothing where all processes count together,
/// what comes back in a second where they take batches, and as often as there are processes where
/// each counts for itself.
fn sharing_rank(sharing: &str) -> Option<u8> {
    match sharing {
        "" => Some(0),
        "leased" => Some(1),
        "local" => Some(2),
        _ => None,
    }
}

fn rates(old: &str, new: &str) -> Option<Ordering> {
    let read = |text| -> Option<Vec<Rate<'_>>> {
        str::split(text, ", ")
            .filter(|quota| !quota.is_empty())
            .map(Rate::read)
            .collect()
    };
    let (old, new) = (read(old)?, read(new)?);
    let covered = |these: &[Rate<'_>], by: &[Rate<'_>]| {
        these
            .iter()
            .all(|this| by.iter().any(|other| other.is_at_least_as_strict_as(this)))
    };
    match (covered(&old, &new), covered(&new, &old)) {
        (true, false) => Some(Ordering::Less),
        (false, true) => Some(Ordering::Greater),
        (true, true) => Some(Ordering::Equal),
        (false, false) => None,
    }
}

/// How often a password may be guessed, as read back.
struct Login<'a> {
    attempts: u64,
    window: u64,
    lock: u64,
    /// What is counted, and whether one password at many accounts is noticed.
    account: &'a str,
    password: Option<&'a str>,
}

impl<'a> Login<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (amount, rest) = text.split_once("s lock ")?;
        let (attempts, window) = amount.split_once('/')?;
        let (lock, rest) = rest.split_once("s account ")?;
        let (account, password) = match rest.split_once(" password ") {
            Some((account, password)) => (account, Some(password)),
            None => (rest, None),
        };
        Some(Self {
            attempts: attempts.parse().ok()?,
            window: window.parse().ok()?,
            lock: lock.parse().ok()?,
            account,
            password,
        })
    }
}

/// Without the line nothing bounds how often a password is guessed.
fn logins(old: Option<&str>, new: Option<&str>) -> Option<Ordering> {
    let (Some(old), Some(new)) = (old, new) else {
        return Some(old.is_some().cmp(&new.is_some()));
    };
    let (old, new) = (Login::read(old)?, Login::read(new)?);
    let parts = [
        new.attempts.cmp(&old.attempts),
        old.window.cmp(&new.window),
        old.lock.cmp(&new.lock),
        old.password.is_some().cmp(&new.password.is_some()),
    ];
    if parts.contains(&Ordering::Greater) {
        return Some(Ordering::Greater);
    }
    if old.account != new.account || old.password.is_some() && old.password != new.password {
        return None;
    }
    parts.contains(&Ordering::Less).then_some(Ordering::Less)
}

#[cfg(test)]
mod tests {
    use super::{super::parse, *};

    /// The change between two texts that hold one route each.
    fn change(old: &str, new: &str) -> Option<Change> {
        let read = |lines: &str| parse(&format!("GET /x\n{lines}"));
        match compare(&read(old), &read(new)).as_slice() {
            [] => None,
            [one] => Some(one.change),
            more => panic!("{more:?}"),
        }
    }

    #[test]
    fn each_line_knows_its_direction() {
        use Change::*;
        for (old, new, expected) in [
            ("  access authenticated", "  access public", Weakened),
            ("  access public", "  access authenticated", Strengthened),
            ("  access public", "  access public \"why\"", Changed),
            ("", "  role \"admin\"", Strengthened),
            ("  role \"admin\"", "", Weakened),
            (
                "  role \"admin\"",
                "  role \"support\" | \"admin\"",
                Weakened,
            ),
            ("  role \"admin\"", "  role \"other\"", Changed),
            ("  scope \"a\"", "  scope all(\"a\", \"b\")", Strengthened),
            ("  max_age 900 s", "  max_age 60 s", Strengthened),
            ("  max_age 900 s", "", Weakened),
            ("", "  outage local", Weakened),
            ("  outage local", "", Strengthened),
            ("  revocation 2 s", "  revocation 3 s", Weakened),
            ("  revocation 2 s", "  revocation 0 s", Strengthened),
            ("  revocation 3600 s", "  revocation off \"why\"", Weakened),
            ("  revocation off \"why\"", "  revocation 9 s", Strengthened),
            ("  revocation off \"a\"", "  revocation off \"b\"", Changed),
            ("", "  revocation 2 s", Strengthened),
            ("  revocation 2 s", "", Weakened),
            ("  max_body 10 bytes", "  max_body 11 bytes", Weakened),
            ("  max_body 10 bytes", "", Strengthened),
            ("  body_timeout 10 s", "  body_timeout 9 s", Strengthened),
            (
                "  rate 5/1s burst 5 per ip",
                "  rate 6/1s burst 5 per ip",
                Weakened,
            ),
            (
                "  rate 5/1s burst 5 per ip",
                "  rate 5/1s burst 5 per user",
                Changed,
            ),
            (
                "  rate 5/1s burst 5 per ip",
                "  rate 5/1s burst 5 per ip, 9/60s burst 9 per ip",
                Strengthened,
            ),
            ("  rate 5/1s burst 5 per ip", "", Weakened),
            (
                "  rate 5/1s burst 5 per ip",
                "  rate 5/1s burst 5 per ip leased",
                Weakened,
            ),
            (
                "  rate 5/1s burst 5 per ip leased",
                "  rate 5/1s burst 5 per ip local",
                Weakened,
            ),
            (
                "  rate 5/1s burst 5 per ip local",
                "  rate 5/1s burst 5 per ip leased",
                Strengthened,
            ),
            (
                "  rate 5/1s burst 5 per ip local",
                "  rate 5/1s burst 5 per ip",
                Strengthened,
            ),
            (
                "  rate 5/1s burst 5 per ip local",
                "  rate 6/1s burst 5 per ip leased",
                Changed,
            ),
            (
                "  rate 5/1s burst 5 per ip local",
                "  rate 5/1s burst 5 per ip elsewhere",
                Changed,
            ),
            ("", "  concurrency 20", Strengthened),
            ("  concurrency 20", "  concurrency 21", Weakened),
            ("  concurrency 20", "  concurrency 9", Strengthened),
            ("  concurrency 20", "", Weakened),
            ("", "  cost 5", Strengthened),
            ("  cost 5", "  cost 4", Weakened),
            ("  cost 9", "  cost 10", Strengthened),
            ("  cost 5", "", Weakened),
            ("", "  priority critical", Changed),
            ("  priority critical", "", Changed),
            ("  rate what", "  rate 5/1s burst 5 per ip", Changed),
            ("", "  allow a else 403", Strengthened),
            ("  allow a else 403", "", Weakened),
            ("  allow a else 403", "  allow b else 403", Changed),
            ("", "  login 5/900s lock 1800s account a", Strengthened),
            ("  login 5/900s lock 1800s account a", "", Weakened),
            (
                "  login 5/900s lock 1800s account a",
                "  login 6/900s lock 1800s account a",
                Weakened,
            ),
            (
                "  login 5/900s lock 1800s account a",
                "  login 5/600s lock 3600s account a",
                Weakened,
            ),
            (
                "  login 5/900s lock 1800s account a",
                "  login 5/900s lock 1799s account b",
                Weakened,
            ),
            (
                "  login 5/900s lock 1800s account a password b",
                "  login 5/900s lock 1800s account a",
                Weakened,
            ),
            (
                "  login 5/900s lock 1800s account a",
                "  login 4/900s lock 1800s account a password b",
                Strengthened,
            ),
            (
                "  login 5/900s lock 1800s account a",
                "  login 5/900s lock 1800s account b",
                Changed,
            ),
            (
                "  login 5/900s lock 1800s account a password b",
                "  login 5/900s lock 1800s account a password c",
                Changed,
            ),
            ("  login 5/900s lock 1800s account a", "  login x", Changed),
            ("", "  unvalidated body", Weakened),
            ("  unvalidated body", "", Strengthened),
            ("  unvalidated body, id", "  unvalidated query", Weakened),
            ("  handler a", "  handler b", Changed),
            // One weakened line outweighs any number of strengthened ones.
            (
                "  role \"a\"\n  max_age 900 s",
                "  role all(\"a\", \"b\")",
                Weakened,
            ),
        ] {
            assert_eq!(change(old, new), Some(expected), "{old} -> {new}");
        }
        assert_eq!(change("  role \"a\"", "  role \"a\""), None);
    }

    #[test]
    fn routes_come_and_go() {
        let old = parse("GET /a\n  access public\n\nGET /b\n  access public\n");
        let new = parse("GET /b\n  access public\n\nGET /c\n  access public\n");
        let changes: Vec<_> = compare(&old, &new)
            .into_iter()
            .map(|difference| (difference.route, difference.change))
            .collect();
        assert_eq!(
            changes,
            [
                ("GET /c".to_owned(), Change::Added),
                ("GET /a".to_owned(), Change::Removed)
            ]
        );
    }

    #[test]
    fn a_difference_reads_well() {
        let old = parse("GET /a\n  role \"admin\"\n");
        let new = parse("GET /a\n  access public\n");
        let text = compare(&old, &new)[0].to_string();
        assert_eq!(
            text,
            "weakened: GET /a\n    access: - -> public\n    role: \"admin\" -> -"
        );
    }
}
