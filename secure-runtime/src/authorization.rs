//! Roles and scopes: does a caller satisfy a [`Rule`]?

use std::fmt::Display;

use crate::{
    policy::Rule,
    rejection::{Refusal, Rejection},
};

/// The answer of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The rule is satisfied.
    Allow,
    /// It is not, or it cannot be.
    Deny,
}

/// Judges `rule` for a caller who holds the names for which `holds` is true.
///
/// An empty `all` or `any` is satisfied by nobody: the attribute cannot express one, so it could
/// only come from a mistake.
pub(crate) fn judge(rule: &Rule, holds: &dyn Fn(&str) -> bool) -> Decision {
    let allowed = match rule {
        Rule::All(rules) => {
            !rules.is_empty()
                && rules
                    .iter()
                    .all(|rule| judge(rule, holds) == Decision::Allow)
        }
        Rule::Any(rules) => rules
            .iter()
            .any(|rule| judge(rule, holds) == Decision::Allow),
        Rule::Has { satisfied_by, .. } => satisfied_by.iter().any(|name| holds(name)),
    };
    if allowed {
        Decision::Allow
    } else {
        Decision::Deny
    }
}

/// The names in a rule, as a challenge lists what is wanted: each once, with spaces between them.
pub(crate) fn names(rule: &Rule) -> String {
    fn collect(rule: &Rule, names: &mut Vec<&'static str>) {
        match rule {
            Rule::All(rules) | Rule::Any(rules) => {
                rules.iter().for_each(|rule| collect(rule, names));
            }
            Rule::Has { name, .. } if names.contains(name) => {}
            Rule::Has { name, .. } => names.push(name),
        }
    }
    let mut names = Vec::new();
    collect(rule, &mut names);
    names.join(" ")
}

/// What the expression of the attribute's `allow` may give.
#[diagnostic::on_unimplemented(
    message = "`allow` gives `{Self}`",
    label = "neither `bool` nor `Result<bool, _>`",
    note = "let the expression say whether the caller may go on: `true` admits, `false` is 403, an `Err` is 503"
)]
pub trait IntoDecision {
    /// The decision, or the refusal because there is none.
    fn into_decision(self) -> Result<Decision, Rejection>;
}

impl IntoDecision for bool {
    fn into_decision(self) -> Result<Decision, Rejection> {
        Ok(if self {
            Decision::Allow
        } else {
            Decision::Deny
        })
    }
}

/// An error says nothing about the caller: the request is refused as undecided, and the error's
/// text goes to the log.
impl<E: Display> IntoDecision for Result<bool, E> {
    fn into_decision(self) -> Result<Decision, Rejection> {
        self.map_err(|error| {
            Rejection::new(
                Refusal::Undecided,
                format!("`allow` could not be decided: {error}"),
            )
            .with_retry_after(1)
        })
        .and_then(bool::into_decision)
    }
}
