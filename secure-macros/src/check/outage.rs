//! `outage`: what happens where the shared store does not answer.

use super::{Subject, defaults};
use crate::errors::{Errors, Wrong, wrong};
use crate::model::{Outage, Quota, Sharing, Switch};
use crate::vocabulary::nearest;

/// `None` if it is wrong. `quotas` are those of the handler, where they are known.
pub(super) fn outage(
    subject: &Subject<'_>,
    quotas: Option<&[Quota]>,
    errors: &mut Errors,
) -> Option<Outage> {
    let asked = asks(subject, quotas);
    let Some(setting) = &subject.args.outage else {
        return Some(match asked {
            true => defaults(subject).outage,
            false => Outage::Deny,
        });
    };
    if !asked {
        let wrong = wrong!(
            "`outage` on a handler that asks the store for nothing";
            help: "remove `outage`: no quota is counted together with other processes, no revocation looked up and no login counted"
        );
        errors.push(wrong.at(setting.key));
    }
    errors.note(mode(&setting.value.text).map_err(|wrong| wrong.at(setting.value.place)))
}

/// Whether a request may have to ask the store. A quota that is wrong is reported elsewhere, and
/// might have asked.
fn asks(subject: &Subject<'_>, quotas: Option<&[Quota]>) -> bool {
    let revocation = subject.args.revocation.as_ref();
    let off = revocation.is_some_and(|revocation| matches!(revocation.value, Switch::Off(_)));
    let counts = quotas.is_none_or(|quotas| {
        let mut quotas = quotas.iter();
        quotas.any(|quota| quota.sharing != Sharing::Local)
    });
    counts || subject.args.login.is_some() || !(subject.is_public() || off)
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
