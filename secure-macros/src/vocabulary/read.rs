//! Reading `policy.toml`, with every mistake at its line.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::check::{load, outage};
use crate::errors::{Wrong, wrong};
use crate::units::{self, LONGEST_STALENESS, LONGEST_UPLOAD, Quota};
use crate::vocabulary::{
    Defaults, FILE, Named, Vocabulary, idle, idle_quotas, nearest, quota_or_name, quoted_list,
    reachable,
};

const TABLES: &[&str] = &["defaults", "rates", "roles", "scopes"];
const DEFAULTS: &[&str] = &[
    "body_timeout",
    "concurrency",
    "max_body",
    "outage",
    "rate",
    "revocation",
];

/// A value and where it stands in the file.
type Value<'i> = Spanned<DeValue<'i>>;

/// The file's mistakes so far, each with its position.
struct Reader<'i> {
    text: &'i str,
    mistakes: Vec<(usize, Wrong)>,
}

pub(super) fn vocabulary(text: &str, file: String) -> Result<Vocabulary, Vec<Wrong>> {
    let mut reader = Reader {
        text,
        mistakes: Vec::new(),
    };
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let what = error.message().to_owned();
        let help = "the file is written in TOML: https://toml.io/en/v1.0.0".to_owned();
        reader.note(error.span().unwrap_or(0..0), Wrong { what, help });
    }
    // A file that is no TOML has no meaning whose mistakes could be told.
    if !errors.is_empty() {
        return Err(reader.finish());
    }

    let document = document.get_ref();
    for key in document.keys() {
        if !TABLES.contains(&key.get_ref().as_ref()) {
            reader.note(key.span(), unknown("table", key.get_ref(), TABLES));
        }
    }
    let roles = reader.roles(document);
    let scopes = reader.scopes(document);
    let rates = reader.rates(document);
    let defaults = reader.defaults(document, &rates);
    if !reader.mistakes.is_empty() {
        return Err(reader.finish());
    }
    Ok(Vocabulary {
        file: Some(file),
        roles,
        scopes,
        rates,
        defaults,
    })
}

fn unknown(kind: &str, name: &str, known: &[&str]) -> Wrong {
    let list = quoted_list(known.iter().copied());
    match nearest(name, known.iter().copied()) {
        Some(near) => {
            wrong!("unknown {kind} `{name}`"; help: "did you mean `{near}`? there are {list}")
        }
        None => wrong!("unknown {kind} `{name}`"; help: "there are {list}"),
    }
}

impl Reader<'_> {
    fn note(&mut self, span: Range<usize>, wrong: Wrong) {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let what = format!("{FILE}:{line}: {}", wrong.what);
        self.mistakes.push((span.start, Wrong { what, ..wrong }));
    }

    fn finish(mut self) -> Vec<Wrong> {
        self.mistakes.sort_by_key(|(position, _)| *position);
        self.mistakes.into_iter().map(|(_, wrong)| wrong).collect()
    }

    /// The entries of a table, which may be missing.
    fn table<'d, 'i>(
        &mut self,
        document: &'d DeTable<'i>,
        name: &str,
    ) -> Vec<(&'d str, Range<usize>, &'d Value<'i>)> {
        let Some((key, value)) = document.iter().find(|(key, _)| key.get_ref() == name) else {
            return Vec::new();
        };
        let Some(table) = value.get_ref().as_table() else {
            self.note(
                key.span(),
                wrong!("`{name}` is no table"; help: "write `[{name}]` on a line of its own"),
            );
            return Vec::new();
        };
        let entries = table.iter();
        entries
            .map(|(key, value)| (key.get_ref().as_ref(), key.span(), value))
            .collect()
    }

    /// The text of a value, or the mistake that it is none.
    fn text<'d>(&mut self, name: &str, value: &'d Value<'_>, example: &str) -> Option<&'d str> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.note(
                value.span(),
                wrong!("`{name}` is a text in quotes"; help: "write `{name} = \"{example}\"`"),
            );
        }
        text
    }

    /// The whole number of a value, or the mistake that it is none.
    fn number(&mut self, name: &str, value: &Value<'_>, example: u32) -> Option<u32> {
        let number = value
            .get_ref()
            .as_integer()
            .and_then(|integer| u32::from_str_radix(integer.as_str(), integer.radix()).ok());
        if number.is_none() {
            let most = u32::MAX;
            self.note(
                value.span(),
                wrong!(
                    "`{name}` is a whole number from 1 to {most}";
                    help: "write `{name} = {example}`"
                ),
            );
        }
        number
    }

    fn keep<T>(&mut self, span: Range<usize>, outcome: Result<T, Wrong>) -> Option<T> {
        outcome.map_err(|wrong| self.note(span, wrong)).ok()
    }

    /// `[roles]`: each role is declared once and includes declared roles, never itself.
    fn roles(&mut self, document: &DeTable<'_>) -> BTreeMap<String, Vec<String>> {
        let entries = self.table(document, "roles");
        let declared: Vec<&str> = entries.iter().map(|(name, ..)| *name).collect();
        let mut roles = BTreeMap::new();
        let mut places = BTreeMap::new();
        for (name, span, value) in entries {
            if name.trim().is_empty() {
                self.note(
                    span.clone(),
                    wrong!("a role without a name"; help: "write `customer = []`"),
                );
            }
            let Some(list) = value.get_ref().as_array() else {
                self.note(
                    value.span(),
                    wrong!(
                        "role `{name}` is no list of the roles it includes";
                        help: "write `{name} = []`, or `{name} = [\"another-role\"]`"
                    ),
                );
                continue;
            };
            let mut included = Vec::new();
            for member in list.iter() {
                match member.get_ref().as_str() {
                    Some(other) if declared.contains(&other) => included.push(other.to_owned()),
                    Some(other) => {
                        self.note(member.span(), undeclared_role(name, other, &declared))
                    }
                    None => self.note(
                        member.span(),
                        wrong!(
                            "role `{name}` includes something that is no name";
                            help: "write `{name} = [\"another-role\"]`"
                        ),
                    ),
                }
            }
            roles.insert(name.to_owned(), included);
            places.insert(name.to_owned(), span);
        }
        self.no_cycles(&roles, &places);
        roles
    }

    /// Each circle of roles is told once, at its first role.
    fn no_cycles(
        &mut self,
        roles: &BTreeMap<String, Vec<String>>,
        places: &BTreeMap<String, Range<usize>>,
    ) {
        let mut told: BTreeSet<&str> = BTreeSet::new();
        for (role, place) in places {
            if told.contains(role.as_str()) || !reachable(roles, role).contains(role.as_str()) {
                continue;
            }
            let Some(circle) = circle(roles, role) else {
                continue;
            };
            told.extend(circle.iter().copied());
            let shown = circle.join(" -> ");
            self.note(
                place.clone(),
                wrong!("roles include each other: {shown}"; help: "remove one of these inclusions"),
            );
        }
    }

    /// `[scopes]`: names that OAuth can carry, each with a description.
    fn scopes(&mut self, document: &DeTable<'_>) -> BTreeSet<String> {
        let mut scopes = BTreeSet::new();
        for (name, span, value) in self.table(document, "scopes") {
            // RFC 6749, section 3.3: printable ASCII without space, quote and backslash.
            let allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
            if name.is_empty() || !name.bytes().all(allowed) {
                self.note(
                    span,
                    wrong!(
                        "scope `{name}` cannot stand in a token";
                        help: "use printable ASCII without spaces, quotes and backslashes, as in `orders:read`"
                    ),
                );
            }
            self.text(&quoted(name), value, "what it allows");
            scopes.insert(name.to_owned());
        }
        scopes
    }

    /// `[rates]`: names that cannot be mistaken for quotas.
    fn rates(&mut self, document: &DeTable<'_>) -> BTreeMap<String, Quota> {
        let mut rates = BTreeMap::new();
        for (name, span, value) in self.table(document, "rates") {
            let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            if units::is_quota(name) {
                self.note(
                    span,
                    wrong!(
                        "rate name `{name}` looks like a quota";
                        help: "begin it with a letter, as in `login = \"5/15min per ip\"`"
                    ),
                );
            } else if name.is_empty() || !name.bytes().all(letters) {
                self.note(
                    span,
                    wrong!(
                        "rate name `{name}` has characters that names do not have";
                        help: "use letters, digits, `-` and `_`, as in `login = \"5/15min per ip\"`"
                    ),
                );
            }
            let Some(text) = self.text(name, value, "10/min") else {
                continue;
            };
            if let Some(quota) = self.keep(value.span(), units::quota(text)) {
                rates.insert(name.to_owned(), quota);
            }
        }
        rates
    }

    /// `[defaults]`.
    fn defaults(&mut self, document: &DeTable<'_>, rates: &BTreeMap<String, Quota>) -> Defaults {
        let mut defaults = Defaults::default();
        for (name, span, value) in self.table(document, "defaults") {
            match name {
                "body_timeout" => {
                    if let Some(text) = self.text(name, value, "10s")
                        && let Some(seconds) =
                            self.keep(value.span(), units::duration(text, LONGEST_UPLOAD))
                    {
                        defaults.body_timeout = seconds;
                    }
                }
                "concurrency" => {
                    if let Some(number) = self.number(name, value, 20)
                        && let Some(places) = self.keep(value.span(), load::places(number))
                    {
                        defaults.concurrency = Some(places);
                    }
                }
                "max_body" => {
                    if let Some(text) = self.text(name, value, "64KB")
                        && let Some(bytes) = self.keep(value.span(), units::size(text))
                    {
                        defaults.max_body = bytes;
                    }
                }
                "outage" => {
                    if let Some(text) = self.text(name, value, "deny")
                        && let Some(mode) = self.keep(value.span(), outage::mode(text))
                    {
                        defaults.outage = mode;
                    }
                }
                "revocation" => {
                    if let Some(text) = self.text(name, value, "2s")
                        && let Some(seconds) = self.keep(value.span(), staleness(text))
                    {
                        defaults.revocation = seconds;
                    }
                }
                "rate" => defaults.rate = self.default_rate(document, value, rates),
                _ => self.note(span, unknown("default", name, DEFAULTS)),
            }
        }
        defaults
    }

    /// `rate = "100/min"`, or a list of quotas and names.
    fn default_rate(
        &mut self,
        document: &DeTable<'_>,
        value: &Value<'_>,
        rates: &BTreeMap<String, Quota>,
    ) -> Vec<Named> {
        let members: Vec<&Value<'_>> = match value.get_ref().as_array() {
            Some(list) => list.iter().collect(),
            None => vec![value],
        };
        if members.is_empty() {
            self.note(
                value.span(),
                wrong!("an empty list of quotas"; help: "write `rate = \"100/min\"`"),
            );
        }
        // A name whose quota is wrong is declared all the same: one mistake, one error.
        let declared: Vec<&str> = document
            .iter()
            .filter(|(key, _)| key.get_ref() == "rates")
            .filter_map(|(_, table)| table.get_ref().as_table())
            .flat_map(|table| table.keys().map(|key| key.get_ref().as_ref()))
            .collect();
        let mut named = Vec::new();
        let mut places = Vec::new();
        for member in members {
            let Some(text) = self.text("rate", member, "100/min") else {
                continue;
            };
            if declared.contains(&text) && !rates.contains_key(text) {
                continue;
            }
            let undeclared = |name: &str| undeclared_rate(name, &declared);
            let quota = quota_or_name(text, |name| rates.get(name).cloned(), undeclared);
            if let Some(quota) = self.keep(member.span(), quota) {
                named.push(quota);
                places.push(member.span());
            }
        }
        let quotas: Vec<Quota> = named.iter().map(|named| named.quota.clone()).collect();
        for (position, other) in idle_quotas(&quotas) {
            if let (Some(one), Some(other), Some(place)) =
                (named.get(position), named.get(other), places.get(position))
            {
                let wrong = idle(&one.quota, &other.quota, &one.name, &other.name);
                self.note(place.clone(), wrong);
            }
        }
        named
    }
}

/// What is off everywhere would be off without a reason.
fn staleness(text: &str) -> Result<u64, Wrong> {
    if text == "off" {
        return Err(wrong!(
            "revocation cannot be off by default";
            help: "write it beside a handler, with its reason: `revocation(off = \"reason\")`"
        ));
    }
    units::duration_or_zero(text, LONGEST_STALENESS)
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

fn undeclared_role(role: &str, other: &str, declared: &[&str]) -> Wrong {
    match nearest(other, declared.iter().copied()) {
        Some(near) => wrong!(
            "role `{role}` includes `{other}`, which is not declared";
            help: "did you mean `{near}`?"
        ),
        None => wrong!(
            "role `{role}` includes `{other}`, which is not declared";
            help: "declare it: `{other} = []`"
        ),
    }
}

fn undeclared_rate(name: &str, declared: &[&str]) -> Wrong {
    match nearest(name, declared.iter().copied()) {
        Some(near) => wrong!("rate `{name}` is not declared"; help: "did you mean `{near}`?"),
        None => wrong!(
            "rate `{name}` is not declared";
            help: "write a quota, as in `100/min`, or declare it: `[rates]` with `{name} = \"10/min\"`"
        ),
    }
}

/// The shortest way from a role back to itself.
fn circle<'a>(roles: &'a BTreeMap<String, Vec<String>>, start: &'a str) -> Option<Vec<&'a str>> {
    let mut ways: Vec<Vec<&str>> = vec![vec![start]];
    let mut seen = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            let last = way.last()?;
            for next in roles.get(*last).into_iter().flatten() {
                let mut way = way.clone();
                way.push(next);
                if next == start {
                    return Some(way);
                }
                if seen.insert(next.as_str()) {
                    longer.push(way);
                }
            }
        }
        ways = longer;
    }
    None
}
