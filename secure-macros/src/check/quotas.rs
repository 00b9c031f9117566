//! Quotas: each is well formed, can apply, and counts something that is there.

use crate::check::{Subject, defaults};
use crate::errors::{Errors, Place, Wrong, wrong};
use crate::model::{Per, Quota, Text};
use crate::units;
use crate::vocabulary::{Named, Table, idle, idle_quotas, quota_or_name};

/// The quotas of the attribute, or the default ones; `None` if one of them is wrong.
pub(super) fn quotas(subject: &Subject<'_>, errors: &mut Errors) -> Option<Vec<Quota>> {
    let public = subject.is_public();
    let Some(rate) = &subject.args.rate else {
        let defaults = defaults(subject).rate;
        return Some(
            defaults
                .iter()
                .map(|named| Quota::counted(named, public))
                .collect(),
        );
    };
    let mut complete = true;
    let mut found: Vec<(Named, Place)> = Vec::new();
    for text in &rate.value {
        let outcome = quota(subject, text).map_err(|wrong| wrong.at(text.place));
        match errors.note(outcome) {
            Some(Some(named)) => found.push((named, text.place)),
            Some(None) => {}
            None => complete = false,
        }
    }
    if public {
        users_are_known(&found, errors);
    }
    // A `per user` that a public handler does not have is one mistake, not two.
    let resolved: Vec<Quota> = found
        .iter()
        .map(|(named, _)| Quota::counted(named, public))
        .collect();
    can_apply(&found, public, errors);
    complete.then_some(resolved)
}

/// A quota or a declared name; `None` if names cannot be looked up.
fn quota(subject: &Subject<'_>, text: &Text) -> Result<Option<Named>, Wrong> {
    let Some(vocabulary) = subject.vocabulary else {
        return match units::is_quota(&text.text) {
            true => units::quota(&text.text).map(|_| None),
            false => Ok(None),
        };
    };
    let rate = |name: &str| vocabulary.rate(name).cloned();
    let undeclared = |name: &str| vocabulary.undeclared(Table::Rates, name);
    quota_or_name(&text.text, rate, undeclared).map(Some)
}

/// A public handler knows no users.
fn users_are_known(found: &[(Named, Place)], errors: &mut Errors) {
    for (named, place) in found {
        if named.quota.per != Some(Per::User) {
            continue;
        }
        let name = &named.name;
        let instead = named.quota.text.replace("per user", "per ip");
        let wrong = wrong!(
            "quota `{name}` counts users on a public handler";
            help: "write `rate = \"{instead}\"`"
        );
        errors.push(wrong.at(*place));
    }
}

/// No quota stands beside one that counts the same more strictly.
fn can_apply(found: &[(Named, Place)], public: bool, errors: &mut Errors) {
    let counted: Vec<units::Quota> = found
        .iter()
        .map(|(named, _)| {
            let mut quota = named.quota.clone();
            let per = match public {
                true => Per::Ip,
                false => Per::User,
            };
            quota.per.get_or_insert(per);
            quota
        })
        .collect();
    for (position, other) in idle_quotas(&counted) {
        if let (Some((one, place)), Some((other, _))) = (found.get(position), found.get(other)) {
            let wrong = idle(&one.quota, &other.quota, &one.name, &other.name);
            errors.push(wrong.at(*place));
        }
    }
}
