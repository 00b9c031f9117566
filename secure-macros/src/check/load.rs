//! `concurrency`, `priority` and `cost`: how much of the service one handler may take.

use super::{Subject, defaults};
use crate::errors::{Errors, Wrong, wrong};
use crate::model::{Number, Priority, Quota};
use crate::vocabulary::nearest;

/// `None` if it is wrong, `Some(None)` if there is no bound.
pub(super) fn concurrency(subject: &Subject<'_>, errors: &mut Errors) -> Option<Option<u32>> {
    let Some(setting) = &subject.args.concurrency else {
        return Some(defaults(subject).concurrency);
    };
    let Number { value, place } = setting.value;
    let places = places(value).map_err(|wrong| wrong.at(place));
    errors.note(places).map(Some)
}

/// A number of requests at a time, at least one.
pub(crate) fn places(number: u32) -> Result<u32, Wrong> {
    match number {
        0 => Err(wrong!(
            "a concurrency of zero admits nobody";
            help: "the smallest is `concurrency = 1`"
        )),
        places => Ok(places),
    }
}

/// `None` if it is wrong.
pub(super) fn priority(subject: &Subject<'_>, errors: &mut Errors) -> Option<Priority> {
    let Some(setting) = &subject.args.priority else {
        return Some(Priority::Normal);
    };
    let text = &setting.value;
    errors.note(level(&text.text).map_err(|wrong| wrong.at(text.place)))
}

/// `critical` or `normal`.
fn level(text: &str) -> Result<Priority, Wrong> {
    match text {
        "critical" => Ok(Priority::Critical),
        "normal" => Ok(Priority::Normal),
        _ => Err(match nearest(text, ["critical", "normal"]) {
            Some(near) => wrong!("unknown priority `{text}`"; help: "did you mean `{near}`?"),
            None => wrong!(
                "unknown priority `{text}`";
                help: "write `critical` for what must work when the service is full, or `normal`"
            ),
        }),
    }
}

/// The units that a request takes of each quota; `None` if it is wrong.
pub(super) fn cost(
    subject: &Subject<'_>,
    quotas: Option<&[Quota]>,
    errors: &mut Errors,
) -> Option<u32> {
    let Some(setting) = &subject.args.cost else {
        return Some(1);
    };
    let Number { value: cost, place } = setting.value;
    if cost == 0 {
        let wrong = wrong!(
            "a cost of zero makes every quota idle";
            help: "the smallest is `cost = 1`, which is the default"
        );
        errors.push(wrong.at(place));
        return None;
    }
    // The default quotas are chosen elsewhere, by somebody who does not know this cost.
    if subject.args.rate.is_none() {
        if !subject.args.misses("rate") {
            let wrong = wrong!(
                "`cost` without `rate`";
                help: "write the quota whose units it takes, as in `rate = \"100/min\"`"
            );
            errors.push(wrong.at(setting.key));
        }
        return None;
    }
    if let Some(quota) = can_never_pay(quotas?, cost) {
        let Quota { name, burst, .. } = quota;
        let wrong = wrong!(
            "a cost of {cost} is more than quota `{name}` ever holds: no request can pass";
            help: "write at most `cost = {burst}`, or a quota with `burst {cost}`"
        );
        errors.push(wrong.at(place));
        return None;
    }
    Some(cost)
}

/// Of the quotas that hold less than one request costs, the one that holds least.
fn can_never_pay(quotas: &[Quota], cost: u32) -> Option<&Quota> {
    let smaller = quotas.iter().filter(|quota| quota.burst < cost);
    smaller.min_by_key(|quota| quota.burst)
}
