//! Roles and scopes: every name is declared, and none stands there for nothing.

use crate::errors::{Errors, Place, wrong};
use crate::model::{Names, Rule, Text};
use crate::vocabulary::{Table, Vocabulary};

/// The rule that names state; `None` if something in it is wrong.
///
/// Without a vocabulary every name is taken as it stands; nothing is let in on its ground.
pub(super) fn rule(
    names: &Names,
    table: Table,
    vocabulary: Option<&Vocabulary>,
    errors: &mut Errors,
) -> Option<Rule> {
    let (place, members, every) = match names {
        Names::One(text) => return one(text, table, vocabulary, errors),
        Names::Unreadable => return None,
        Names::All(place, members) => (*place, members, true),
        Names::Any(place, members) => (*place, members, false),
    };
    several(place, members, every, table, errors);
    let same = no_name_twice(members, table, errors);
    if let (true, Table::Roles, Some(vocabulary)) = (same, table, vocabulary) {
        no_implied_role(members, every, vocabulary, errors);
    }
    let rules: Vec<Option<Rule>> = members
        .iter()
        .map(|member| rule(member, table, vocabulary, errors))
        .collect();
    let rules: Vec<Rule> = rules.into_iter().collect::<Option<_>>()?;
    Some(if every {
        Rule::All(rules)
    } else {
        Rule::Any(rules)
    })
}

/// The name is declared.
fn one(
    text: &Text,
    table: Table,
    vocabulary: Option<&Vocabulary>,
    errors: &mut Errors,
) -> Option<Rule> {
    let name = &text.text;
    let satisfied_by = match vocabulary {
        None => vec![name.clone()],
        Some(vocabulary) if !vocabulary.declares(table, name) => {
            let wrong = if name.trim().is_empty() {
                let entry = table.entry();
                match table {
                    Table::Factors => {
                        wrong!("a factor without a name"; help: "write one, as in `factor = \"otp\"`")
                    }
                    _ => {
                        wrong!("a {entry} without a name"; help: "write the name of a declared {entry}")
                    }
                }
            } else {
                vocabulary.undeclared(table, name)
            };
            errors.push(wrong.at(text.place));
            return None;
        }
        Some(vocabulary) if table == Table::Roles => vocabulary.satisfied_by(name),
        Some(_) => vec![name.clone()],
    };
    Some(Rule::Has {
        name: name.clone(),
        satisfied_by,
    })
}

/// `any` and `all` choose between members; around one member they say nothing.
fn several(place: Place, members: &[Names], every: bool, table: Table, errors: &mut Errors) {
    let [member] = members else {
        return;
    };
    let word = if every { "all" } else { "any" };
    let entry = table.entry();
    let wrong = match member {
        Names::One(text) => {
            let name = &text.text;
            wrong!("`{word}` around a single {entry}"; help: "write `{entry} = \"{name}\"`")
        }
        Names::All(..) | Names::Any(..) => {
            wrong!("`{word}` around a single condition"; help: "remove the outer `{word}(..)`")
        }
        Names::Unreadable => return,
    };
    errors.push(wrong.at(place));
}

/// The names that stand directly in a list.
fn direct(members: &[Names]) -> impl Iterator<Item = &Text> {
    members.iter().filter_map(|member| match member {
        Names::One(text) => Some(text),
        Names::All(..) | Names::Any(..) | Names::Unreadable => None,
    })
}

/// No name stands twice in one list.
fn no_name_twice(members: &[Names], table: Table, errors: &mut Errors) -> bool {
    let entry = table.entry();
    let mut seen: Vec<&str> = Vec::new();
    let mut unique = true;
    for text in direct(members) {
        let name = text.text.as_str();
        if seen.contains(&name) {
            unique = false;
            let wrong = wrong!("{entry} `{name}` twice in one list"; help: "remove one of them");
            errors.push(wrong.at(text.place));
        }
        seen.push(name);
    }
    unique
}

/// No role stands beside one that makes it superfluous: whoever writes that has the hierarchy
/// of roles upside down, and may believe that the list is stricter than it is.
fn no_implied_role(members: &[Names], every: bool, vocabulary: &Vocabulary, errors: &mut Errors) {
    for text in direct(members) {
        let name = &text.text;
        let implied_by = direct(members).find(|other| match every {
            // Who holds the other holds this one anyway.
            true => vocabulary.includes(&other.text, name),
            // Who holds this one holds the other anyway.
            false => vocabulary.includes(name, &other.text),
        });
        let Some(other) = implied_by else {
            continue;
        };
        let other = &other.text;
        let (upper, lower) = if every { (other, name) } else { (name, other) };
        let word = if every { "all" } else { "any" };
        let wrong = if members.len() == 2 {
            wrong!(
                "role `{name}` changes nothing in this `{word}(..)`: `{upper}` includes `{lower}`";
                help: "write `role = \"{other}\"`"
            )
        } else {
            wrong!(
                "role `{name}` changes nothing in this `{word}(..)`: `{upper}` includes `{lower}`";
                help: "remove `\"{name}\"`"
            )
        };
        errors.push(wrong.at(text.place));
    }
}
