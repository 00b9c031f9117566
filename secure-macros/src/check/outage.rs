//! `outage`: what happens where the shared store does not answer.

use super::{Subject, defaults};
use crate::errors::{Errors, Wrong, wrong};
use crate::model::{Outage, Switch};
use crate::vocabulary::nearest;

/// `None` if it is wrong.
pub(super) fn outage(subject: &Subject<'_>, errors: &mut Errors) -> Option<Outage> {
    let off = subject
        .args
        .revocation
        .as_ref()
        .is_some_and(|revocation| matches!(revocation.value, Switch::Off(_)));
    let Some(setting) = &subject.args.outage else {
        return Some(match off {
            true => Outage::Deny,
            false => defaults(subject).outage,
        });
    };
    if off && !subject.is_public() {
        let wrong = wrong!(
            "`outage` beside `revocation(off = ..)`";
            help: "remove `outage`: nothing is asked of the store, so it need not answer"
        );
        errors.push(wrong.at(setting.key));
    }
    errors.note(mode(&setting.value.text).map_err(|wrong| wrong.at(setting.value.place)))
}

/// `deny` or `local`.
pub(crate) fn mode(text: &str) -> Result<Outage, Wrong> {
    match text {
        "deny" => Ok(Outage::Deny),
        "local" => Ok(Outage::Local),
        _ => Err(match nearest(text, ["deny", "local"]) {
            Some(near) => wrong!("unknown outage `{text}`"; help: "did you mean `{near}`?"),
            None => wrong!(
                "unknown outage `{text}`";
                help: "write `deny` to refuse with 503, or `local` to go on with what this process knows"
            ),
        }),
    }
}
