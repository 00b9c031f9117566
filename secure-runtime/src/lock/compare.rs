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
mod tests;
