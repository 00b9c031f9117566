//! `login`: how often the password of one account may be guessed.

use proc_macro2::TokenStream;

use super::{Subject, named_parameters, source_text};
use crate::errors::{Errors, wrong};
use crate::model::{Expression, Login, Per, Quota, Setting};
use crate::units::{self, LONGEST_LOCK};

/// The default lock in seconds: PCI DSS 4.0.1 asks for 30 minutes (8.3.4).
const LOCK: u64 = 30 * 60;

/// `None` if something is wrong; `Some(None)` if the handler checks no password.
pub(super) fn login(
    subject: &Subject<'_>,
    quotas: Option<&[Quota]>,
    errors: &mut Errors,
) -> Option<Option<Login>> {
    let Some(setting) = &subject.args.login else {
        return Some(None);
    };
    let args = &setting.value;
    if args.account.is_none() && !args.unread {
        let wrong = wrong!(
            "`login` without `account`";
            help: "say whose password is checked: `login(account = form.name, attempts = \"5/15min\")`"
        );
        errors.push(wrong.at(setting.key));
    }
    if args.attempts.is_none() && !args.unread {
        let wrong = wrong!(
            "`login` without `attempts`";
            help: "say how many may fail: `attempts = \"5/15min\"`"
        );
        errors.push(wrong.at(setting.key));
    }
    // Who guesses at many accounts is slowed down by the address only. What is counted is not known
    // where a key that decides it could not be read.
    let unread = ["public", "rate"]
        .iter()
        .any(|key| subject.args.misses(key));
    let per_ip = |quotas: &[Quota]| quotas.iter().any(|quota| quota.per == Per::Ip);
    if !unread && quotas.is_some_and(|quotas| !per_ip(quotas)) {
        let wrong = wrong!(
            "`login` without a quota `per ip`";
            help: "add one: `rate = \"20/min per ip\"`"
        );
        errors.push(wrong.at(setting.key));
    }
    let attempts = args.attempts.as_ref().and_then(|attempts| {
        let read = units::attempts(&attempts.value.text);
        errors.note(read.map_err(|wrong| wrong.at(attempts.value.place)))
    });
    let lock = match &args.lock {
        None => Some(LOCK),
        Some(lock) => {
            let read = units::duration(&lock.value.text, LONGEST_LOCK);
            errors.note(read.map_err(|wrong| wrong.at(lock.value.place)))
        }
    };
    if args.unread {
        return None;
    }
    let account = args.account.as_ref()?;
    let (attempts, window) = attempts?;
    let mut parameters = named_parameters(subject, &account.value);
    if let Some(password) = &args.password {
        parameters.extend(named_parameters(subject, &password.value));
        parameters.sort_unstable();
        parameters.dedup();
    }
    Some(Some(Login {
        account: expression(account),
        attempts,
        window,
        lock: lock?,
        password: args.password.as_ref().map(expression),
        parameters,
    }))
}

fn expression(setting: &Setting<TokenStream>) -> Expression {
    Expression {
        tokens: setting.value.clone(),
        text: source_text(setting.value.clone()),
    }
}
