//! `revocation`: how old the knowledge of revoked tokens may be.

use super::{Subject, defaults};
use crate::errors::Errors;
use crate::model::{Revocation, Switch};
use crate::units::{self, LONGEST_STALENESS};

/// `None` if it is wrong.
pub(super) fn revocation(subject: &Subject<'_>, errors: &mut Errors) -> Option<Revocation> {
    let Some(setting) = &subject.args.revocation else {
        return Some(Revocation::Within(defaults(subject).revocation));
    };
    match &setting.value {
        Switch::Off(reason) => Some(Revocation::Off {
            reason: reason.text.clone(),
        }),
        Switch::On(bound) => {
            let seconds = units::duration_or_zero(&bound.text, LONGEST_STALENESS);
            errors
                .note(seconds.map_err(|wrong| wrong.at(bound.place)))
                .map(Revocation::Within)
        }
    }
}
