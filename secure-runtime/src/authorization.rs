//! Roles and scopes: does a caller satisfy a [`Rule`]?

use crate::policy::Rule;

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
