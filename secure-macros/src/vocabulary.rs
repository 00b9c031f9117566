//! `policy.toml`: the names that attributes may use, and the defaults.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use proc_macro2::Span;

use crate::errors::{Errors, Wrong, wrong};
use crate::model::{Outage, Sharing};
use crate::units::{self, Quota};

mod read;

const FILE: &str = "policy.toml";

/// What `amr` says of how somebody authenticated (RFC 8176 section 2).
const FACTORS: &[&str] = &[
    "face", "fpt", "geo", "hwk", "iris", "kba", "mca", "mfa", "otp", "pin", "pwd", "rba", "retina",
    "sc", "sms", "swk", "tel", "user", "vbm", "wia",
];

/// Files whose mistakes were reported: a compiler process reports them once.
static REPORTED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Where the vocabulary comes from.
#[derive(Debug)]
pub(crate) enum Source {
    /// There is no file.
    Absent,
    /// This file.
    File(PathBuf),
    /// The content of a file.
    #[cfg(test)]
    Text(&'static str),
}

impl Source {
    /// The nearest `policy.toml` at or above the folder of the crate that is compiled.
    pub(crate) fn of_this_crate() -> Self {
        let Some(folder) = std::env::var_os("CARGO_MANIFEST_DIR") else {
            return Self::Absent;
        };
        let mut files = Path::new(&folder)
            .ancestors()
            .map(|folder| folder.join(FILE));
        match files.find(|file| file.is_file()) {
            Some(file) => Self::File(file),
            None => Self::Absent,
        }
    }

    /// Reads it; `None` if it is broken, which is reported here or was before.
    pub(crate) fn vocabulary(self, errors: &mut Errors) -> Option<Vocabulary> {
        let (outcome, report) = match self {
            Self::Absent => return Some(Vocabulary::absent()),
            #[cfg(test)]
            Self::Text(text) => (Vocabulary::read(text, format!("/{FILE}")), true),
            Self::File(file) => {
                let outcome = match std::fs::read_to_string(&file) {
                    Ok(text) => Vocabulary::read(&text, file.to_string_lossy().into_owned()),
                    Err(error) => Err(vec![wrong!(
                        "{FILE} cannot be read: {error}";
                        help: "make it a text file that the compiler may read"
                    )]),
                };
                let report = outcome.is_ok() || first_report(file);
                (outcome, report)
            }
        };
        match outcome {
            Ok(vocabulary) => Some(vocabulary),
            Err(mistakes) => {
                if report {
                    let mistakes = mistakes.into_iter();
                    mistakes.for_each(|wrong| errors.push(wrong.at(Span::call_site())));
                }
                None
            }
        }
    }
}

/// Whether nobody has reported the mistakes of this file yet.
fn first_report(file: PathBuf) -> bool {
    // A poisoned lock means that somebody panicked while reporting: report again.
    REPORTED
        .lock()
        .map_or(true, |mut reported| reported.insert(file))
}

/// Declared names and defaults, free of mistakes.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    /// Path of the file; `None` if there is none.
    pub(crate) file: Option<String>,
    /// Role -> the roles it includes.
    roles: BTreeMap<String, Vec<String>>,
    scopes: BTreeSet<String>,
    rates: BTreeMap<String, Quota>,
    pub(crate) defaults: Defaults,
}

/// What holds where an attribute says nothing.
#[derive(Debug, Clone)]
pub(crate) struct Defaults {
    /// Each with the name that callers see.
    pub(crate) rate: Vec<Named>,
    pub(crate) max_body: u64,
    pub(crate) body_timeout: u64,
    /// Requests of one handler at a time; `None` is no bound.
    pub(crate) concurrency: Option<u32>,
    /// Seconds. To switch it off by default is not offered: that wants a reason, route by route.
    pub(crate) revocation: u64,
    pub(crate) outage: Outage,
}

/// A quota and the name that callers see.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) quota: Quota,
}

impl Default for Defaults {
    fn default() -> Self {
        let quota = Quota {
            text: "100/min".to_owned(),
            limit: 100,
            period: 60,
            burst: 100,
            per: None,
            sharing: Sharing::Exact,
        };
        Self {
            rate: vec![Named {
                name: quota.text.clone(),
                quota,
            }],
            max_body: 64_000,
            body_timeout: 10,
            concurrency: None,
            revocation: 2,
            outage: Outage::Deny,
        }
    }
}

/// A table of declared names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    /// Declared by RFC 8176, not by the file.
    Factors,
    Rates,
    Roles,
    Scopes,
}

impl Table {
    /// What one entry is called.
    pub(crate) fn entry(self) -> &'static str {
        match self {
            Self::Factors => "factor",
            Self::Rates => "rate",
            Self::Roles => "role",
            Self::Scopes => "scope",
        }
    }

    /// How a name is declared.
    fn declaration(self, name: &str) -> String {
        match self {
            Self::Factors => String::new(),
            Self::Rates => format!("`[rates]` with `{name} = \"10/min\"`"),
            Self::Roles => format!("`[roles]` with `{name} = []`"),
            Self::Scopes => format!("`[scopes]` with `\"{name}\" = \"what it allows\"`"),
        }
    }
}

impl Vocabulary {
    fn absent() -> Self {
        Self {
            file: None,
            roles: BTreeMap::new(),
            scopes: BTreeSet::new(),
            rates: BTreeMap::new(),
            defaults: Defaults::default(),
        }
    }

    /// Reads the file, or says everything that is wrong with it.
    fn read(text: &str, file: String) -> Result<Self, Vec<Wrong>> {
        read::vocabulary(text, file)
    }

    pub(crate) fn rate(&self, name: &str) -> Option<&Quota> {
        self.rates.get(name)
    }

    pub(crate) fn declares(&self, table: Table, name: &str) -> bool {
        match table {
            Table::Factors => FACTORS.contains(&name),
            Table::Rates => self.rates.contains_key(name),
            Table::Roles => self.roles.contains_key(name),
            Table::Scopes => self.scopes.contains(name),
        }
    }

    fn names(&self, table: Table) -> Vec<&str> {
        match table {
            Table::Factors => FACTORS.to_vec(),
            Table::Rates => self.rates.keys().map(String::as_str).collect(),
            Table::Roles => self.roles.keys().map(String::as_str).collect(),
            Table::Scopes => self.scopes.iter().map(String::as_str).collect(),
        }
    }

    /// Whether holding `role` means holding `other` too, through declared inclusion.
    pub(crate) fn includes(&self, role: &str, other: &str) -> bool {
        role != other && reachable(&self.roles, role).contains(other)
    }

    /// The role itself, then every role that includes it, sorted.
    pub(crate) fn satisfied_by(&self, role: &str) -> Vec<String> {
        let including = self
            .roles
            .keys()
            .filter(|candidate| self.includes(candidate, role));
        std::iter::once(role.to_owned())
            .chain(including.cloned())
            .collect()
    }

    /// The mistake of using a name that is not declared.
    pub(crate) fn undeclared(&self, table: Table, name: &str) -> Wrong {
        if table == Table::Factors {
            return unknown_factor(name);
        }
        let entry = table.entry();
        let declaration = table.declaration(name);
        if self.file.is_none() {
            return wrong!(
                "{entry} `{name}` is not declared: there is no {FILE}";
                help: "create {FILE} beside Cargo.toml or in a folder above: {declaration}"
            );
        }
        let names = self.names(table);
        let help = match nearest(name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => format!("declare it in {FILE}: {declaration}"),
            None => {
                let declared = quoted_list(names);
                format!("declared are {declared}; or add to {FILE}: {declaration}")
            }
        };
        Wrong {
            what: format!("{entry} `{name}` is not declared in {FILE}"),
            help,
        }
    }
}

fn unknown_factor(name: &str) -> Wrong {
    match nearest(name, FACTORS.iter().copied()) {
        Some(near) => wrong!("unknown factor `{name}`"; help: "did you mean `{near}`?"),
        None => {
            let known = quoted_list(FACTORS.iter().copied());
            wrong!("unknown factor `{name}`"; help: "write one of RFC 8176: {known}")
        }
    }
}

/// Every role that `role` includes, at any distance.
fn reachable<'a>(roles: &'a BTreeMap<String, Vec<String>>, role: &str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&str> = vec![role];
    while let Some(next) = open.pop() {
        for included in roles.get(next).into_iter().flatten() {
            if found.insert(included.as_str()) {
                open.push(included);
            }
        }
    }
    found
}

/// The candidate that differs from `name` by no more than a third of its letters.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let name = name.to_lowercase();
    let limit = name.chars().count().max(3) / 3;
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&name, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// `` `a`, `b`, `c` ``.
pub(crate) fn quoted_list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// Quotas of one list that do nothing because another one counts the same more strictly:
/// position, and the position of the other.
pub(crate) fn idle_quotas(quotas: &[Quota]) -> Vec<(usize, usize)> {
    let mut idle = Vec::new();
    for (position, quota) in quotas.iter().enumerate() {
        let stricter = quotas.iter().enumerate().find(|(other_position, other)| {
            let later = position > *other_position;
            *other_position != position
                && other.per == quota.per
                && other.implies(quota)
                // Of two that imply each other, the second is the idle one.
                && (later || !quota.implies(other))
        });
        if let Some((other, _)) = stricter {
            idle.push((position, other));
        }
    }
    idle
}

/// The mistake of a quota that does nothing beside another.
pub(crate) fn idle(quota: &Quota, other: &Quota, name: &str, other_name: &str) -> Wrong {
    if name == other_name {
        return wrong!("quota `{name}` twice"; help: "remove one of them");
    }
    if quota.implies(other) {
        return wrong!("quota `{name}` says the same as `{other_name}`"; help: "remove `{name}`");
    }
    wrong!(
        "quota `{name}` can never apply: `{other_name}` is stricter in every respect";
        help: "remove `{name}`"
    )
}

/// Reads one quota or the name of one.
pub(crate) fn quota_or_name(
    text: &str,
    rate: impl Fn(&str) -> Option<Quota>,
    undeclared: impl Fn(&str) -> Wrong,
) -> Result<Named, Wrong> {
    if units::is_quota(text) {
        let quota = units::quota(text)?;
        return Ok(Named {
            name: quota.text.clone(),
            quota,
        });
    }
    if text.trim().is_empty() {
        return Err(wrong!("an empty quota"; help: "write `N/unit`, as in `10/min`"));
    }
    match rate(text) {
        Some(quota) => Ok(Named {
            name: text.to_owned(),
            quota,
        }),
        None => Err(words_after_a_name(text, rate).unwrap_or_else(|| undeclared(text))),
    }
}

/// The mistake of going on after the name of a quota as after an amount.
fn words_after_a_name(text: &str, rate: impl Fn(&str) -> Option<Quota>) -> Option<Wrong> {
    let (name, words) = text.trim().split_once(char::is_whitespace)?;
    let declared = rate(name)?;
    let first = words.split_whitespace().next()?;
    units::WORDS.contains(&first).then(|| {
        let Quota { text, .. } = declared;
        wrong!(
            "`{first}` after the name of a quota";
            help: "write `rate = \"{name}\"`; what it says stands in {FILE}: `{name} = \"{text}\"`"
        )
    })
}
