//! Rules as text, and which of two rules admits more callers.

use std::cmp::Ordering;

use crate::policy::Rule;

/// Above this many names a comparison would take too many cases, and is left to the reader.
const MOST_NAMES: usize = 14;

/// `"support" | "admin"` for a name and those that include it, `any(..)` and `all(..)` around.
pub(super) fn render(rule: &Rule) -> String {
    let list = |rules: &[Rule]| rules.iter().map(render).collect::<Vec<_>>().join(", ");
    match rule {
        Rule::All(rules) => format!("all({})", list(rules)),
        Rule::Any(rules) => format!("any({})", list(rules)),
        Rule::Has { satisfied_by, .. } => satisfied_by
            .iter()
            .map(|name| format!("{name:?}"))
            .collect::<Vec<_>>()
            .join(" | "),
    }
}

/// A rule as read back from text.
#[derive(Clone, Debug, PartialEq)]
enum Formula {
    All(Vec<Formula>),
    Any(Vec<Formula>),
    Name(String),
}

/// How the callers that `new` admits compare with those that `old` admits: `Less` is stricter.
/// `None` where neither contains the other, or that cannot be told. No rule admits everybody.
pub(super) fn compare(old: Option<&str>, new: Option<&str>) -> Option<Ordering> {
    let everybody = Formula::All(Vec::new());
    let read = |text: Option<&str>| text.map_or(Some(everybody.clone()), Formula::read);
    let (old, new) = (read(old)?, read(new)?);

    let mut names = Vec::new();
    old.collect_names(&mut names);
    new.collect_names(&mut names);
    names.sort_unstable();
    names.dedup();
    if names.len() > MOST_NAMES {
        return None;
    }
    let (mut more, mut fewer) = (false, false);
    for case in 0_u32..1 << names.len() {
        let holds = |name: &str| {
            names
                .binary_search(&name)
                .is_ok_and(|index| case & (1 << index) != 0)
        };
        match (old.admits(&holds), new.admits(&holds)) {
            (false, true) => more = true,
            (true, false) => fewer = true,
            _ => {}
        }
    }
    match (more, fewer) {
        (false, false) => Some(Ordering::Equal),
        (true, false) => Some(Ordering::Greater),
        (false, true) => Some(Ordering::Less),
        (true, true) => None,
    }
}

impl Formula {
    fn read(text: &str) -> Option<Self> {
        let mut rest = text;
        let formula = Self::read_alternatives(&mut rest)?;
        rest.trim().is_empty().then_some(formula)
    }

    fn read_alternatives(rest: &mut &str) -> Option<Self> {
        let mut alternatives = vec![Self::read_one(rest)?];
        while let Some(after) = rest.trim_start().strip_prefix('|') {
            *rest = after;
            alternatives.push(Self::read_one(rest)?);
        }
        Some(if alternatives.len() == 1 {
            alternatives.remove(0)
        } else {
            Self::Any(alternatives)
        })
    }

    fn read_one(rest: &mut &str) -> Option<Self> {
        *rest = rest.trim_start();
        for (word, make) in [
            ("all(", Self::All as fn(Vec<Self>) -> Self),
            ("any(", Self::Any as fn(Vec<Self>) -> Self),
        ] {
            if let Some(after) = rest.strip_prefix(word) {
                *rest = after;
                return Some(make(Self::read_list(rest)?));
            }
        }
        let quoted = rest.strip_prefix('"')?;
        let mut escaped = false;
        let end = quoted.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        })?;
        let (name, after) = quoted.split_at_checked(end)?;
        *rest = after.strip_prefix('"')?;
        Some(Self::Name(name.to_owned()))
    }

    fn read_list(rest: &mut &str) -> Option<Vec<Self>> {
        let mut list = Vec::new();
        loop {
            list.push(Self::read_alternatives(rest)?);
            *rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix(',') {
                *rest = after;
            } else {
                *rest = rest.strip_prefix(')')?;
                return Some(list);
            }
        }
    }

    fn collect_names<'a>(&'a self, names: &mut Vec<&'a str>) {
        match self {
            Self::All(list) | Self::Any(list) => {
                list.iter().for_each(|item| item.collect_names(names));
            }
            Self::Name(name) => names.push(name),
        }
    }

    fn admits(&self, holds: &impl Fn(&str) -> bool) -> bool {
        match self {
            Self::All(list) => list.iter().all(|item| item.admits(holds)),
            Self::Any(list) => list.iter().any(|item| item.admits(holds)),
            Self::Name(name) => holds(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stricter_and_looser_rules_are_told_apart() {
        let support = Some("\"support\" | \"admin\"");
        let admin = Some("\"admin\"");
        let both = Some("all(\"a\", \"b\")");
        let either = Some("any(\"a\", \"b\")");
        for (old, new, expected) in [
            (support, support, Some(Ordering::Equal)),
            (support, admin, Some(Ordering::Less)),
            (admin, support, Some(Ordering::Greater)),
            (None, admin, Some(Ordering::Less)),
            (admin, None, Some(Ordering::Greater)),
            (either, both, Some(Ordering::Less)),
            (admin, either, None),
            (
                Some("any(\"a\", all(\"a\", \"b\"))"),
                Some("\"a\""),
                Some(Ordering::Equal),
            ),
            (Some("any(\"a\""), admin, None),
            (
                Some("\"a\\\"b\""),
                Some("\"a\\\"b\""),
                Some(Ordering::Equal),
            ),
        ] {
            assert_eq!(compare(old, new), expected, "{old:?} -> {new:?}");
        }
    }

    #[test]
    fn a_rendered_rule_is_read_back() {
        static RULE: Rule = Rule::Any(&[
            Rule::Has {
                name: "support",
                satisfied_by: &["support", "admin"],
            },
            Rule::All(&[Rule::Has {
                name: "a\"b\\",
                satisfied_by: &["a\"b\\"],
            }]),
        ]);
        let text = render(&RULE);
        assert_eq!(text, r#"any("support" | "admin", all("a\"b\\"))"#);
        assert!(Formula::read(&text).is_some());
    }
}
