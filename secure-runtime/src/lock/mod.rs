//! The lock file: what every route demands, as text that reviewers can diff.
//!
//! One block a route, sorted; a prefix that nothing guards is a block too. Line numbers and files
//! are left out, so that only a change of what is demanded changes the text.

mod compare;
mod rule;
mod table;

use std::fmt::Write;

pub use compare::{Change, Difference};

use crate::{
    manifest::{Manifest, Route},
    policy::{Access, LoginRule, Outage, Policy, Priority, Quota, Revocation, Sharing},
};

const HEADER: &str = "\
# What every route of this service demands. Written by its tests: set UPDATE_POLICY=1 to rewrite it,
# then review each change.
";

/// Width of the first column; the longest key and two spaces.
const KEY_WIDTH: usize = 14;

/// One block: a heading and its lines.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    heading: String,
    lines: Vec<(String, String)>,
}

impl Block {
    /// All that is said under this key. We say a thing once; a file may have been edited.
    fn line(&self, key: &str) -> Option<String> {
        let values: Vec<&str> = self
            .lines
            .iter()
            .filter(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
            .collect();
        (!values.is_empty()).then(|| values.join(" and "))
    }
}

impl Manifest {
    /// The text of the lock file.
    pub fn lock(&self) -> String {
        let mut text = HEADER.to_owned();
        for block in blocks(self) {
            // INVARIANT: writing to a `String` does not fail.
            let _ = writeln!(text, "\n{}", block.heading);
            for (key, value) in &block.lines {
                let _ = writeln!(text, "  {key:KEY_WIDTH$}{value}");
            }
        }
        text
    }

    /// How this service differs from what a lock file says, in the order of the routes; empty
    /// where it does not.
    ///
    /// ```
    /// use secure_runtime::Manifest;
    ///
    /// let manifest = Manifest::of(|_routes| ());
    /// assert!(manifest.differences(&manifest.lock()).is_empty());
    /// ```
    pub fn differences(&self, lock: &str) -> Vec<Difference> {
        compare::compare(&parse(lock), &blocks(self))
    }
}

fn blocks(manifest: &Manifest) -> Vec<Block> {
    let mut blocks: Vec<Block> = manifest.routes().map(|route| guarded(&route)).collect();
    blocks.extend(manifest.unguarded().map(|(prefix, reason)| Block {
        heading: heading("UNGUARDED", prefix),
        lines: vec![("reason".to_owned(), format!("{reason:?}"))],
    }));
    blocks
}

/// A path may be empty, and a line does not end with a space.
fn heading(method: &str, path: &str) -> String {
    format!("{method} {path}").trim().to_owned()
}

fn guarded(route: &Route<'_>) -> Block {
    Block {
        heading: heading(route.method, route.path),
        lines: demands(route.policy)
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    }
}

/// What a policy demands, a key and a text each, in the order of the checks.
pub(crate) fn demands(policy: &Policy) -> Vec<(&'static str, String)> {
    let mut lines = vec![("handler", policy.handler.to_owned())];
    match &policy.access {
        Access::Public { reason } => {
            let reason = reason.map_or_else(String::new, |reason| format!(" {reason:?}"));
            lines.push(("access", format!("public{reason}")));
        }
        Access::Authenticated {
            roles,
            scopes,
            max_age,
            factors,
            revocation,
        } => {
            lines.push(("access", "authenticated".to_owned()));
            if let Some(roles) = roles {
                lines.push(("role", rule::render(roles)));
            }
            if let Some(scopes) = scopes {
                lines.push(("scope", rule::render(scopes)));
            }
            if let Some(max_age) = max_age {
                lines.push(("max_age", format!("{} s", max_age.as_secs())));
            }
            if let Some(factors) = factors {
                lines.push(("factor", rule::render(factors)));
            }
            let revocation = match revocation {
                Revocation::Off { reason } => format!("off {reason:?}"),
                Revocation::Within(bound) => format!("{} s", bound.as_secs()),
            };
            lines.push(("revocation", revocation));
        }
    }
    if policy.outage == Outage::Local {
        lines.push(("outage", "local".to_owned()));
    }
    if !policy.quotas.is_empty() {
        let quotas: Vec<String> = policy.quotas.iter().map(quota).collect();
        lines.push(("rate", quotas.join(", ")));
    }
    if policy.cost != 1 {
        lines.push(("cost", policy.cost.to_string()));
    }
    if let Some(most) = policy.concurrency {
        lines.push(("concurrency", most.to_string()));
    }
    if policy.priority == Priority::Critical {
        lines.push(("priority", "critical".to_owned()));
    }
    if policy.inputs.iter().any(|input| input.kind.reads_body()) {
        lines.push(("max_body", format!("{} bytes", policy.max_body)));
        lines.push((
            "body_timeout",
            format!("{} s", policy.body_timeout.as_secs()),
        ));
    }
    if let Some(allow) = &policy.allow {
        let otherwise = if allow.hide { " else 404" } else { " else 403" };
        lines.push(("allow", format!("{}{otherwise}", one_line(allow.text))));
    }
    if let Some(login) = &policy.login {
        lines.push(("login", self::login(login)));
    }
    let unvalidated: Vec<String> = policy
        .inputs
        .iter()
        .filter(|input| input.kind.is_unvalidated())
        .map(|input| one_line(input.name))
        .collect();
    if !unvalidated.is_empty() {
        lines.push(("unvalidated", unvalidated.join(", ")));
    }
    lines
}

fn quota(quota: &Quota) -> String {
    let Quota {
        limit,
        period_seconds,
        burst,
        ..
    } = quota;
    let per = match quota.per {
        crate::policy::Per::Ip => "ip",
        crate::policy::Per::Route => "route",
        crate::policy::Per::User => "user",
    };
    let sharing = match quota.sharing {
        Sharing::Exact => "",
        Sharing::Leased => " leased",
        Sharing::Local => " local",
    };
    format!("{limit}/{period_seconds}s burst {burst} per {per}{sharing}")
}

fn login(login: &LoginRule) -> String {
    let LoginRule {
        account,
        attempts,
        window,
        lock,
        password,
    } = login;
    let (window, lock) = (window.as_secs(), lock.as_secs());
    let mut text = format!(
        "{attempts}/{window}s lock {lock}s account {}",
        one_line(account)
    );
    if let Some(password) = password {
        text += &format!(" password {}", one_line(password));
    }
    text
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Reads a lock file back. What does not have its form yields blocks that compare as different.
fn parse(lock: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for line in lock.lines().filter(|line| !line.starts_with('#')) {
        if line.trim().is_empty() {
            continue;
        }
        match (line.strip_prefix("  "), blocks.last_mut()) {
            (Some(line), Some(block)) => {
                let (key, value) = line.split_once(' ').unwrap_or((line, ""));
                block.lines.push((key.to_owned(), value.trim().to_owned()));
            }
            _ => blocks.push(Block {
                heading: line.trim().to_owned(),
                lines: Vec::new(),
            }),
        }
    }
    blocks
}
