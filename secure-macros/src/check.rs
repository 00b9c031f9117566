//! [`Args`], [`Handler`] and [`Vocabulary`] -> [`Policy`], or every mistake.

use crate::errors::{Errors, Wrong, wrong};
use crate::model::{Access, Allow, Args, BodyKey, Handler, Names, Per, Policy, Quota, Rule};
use crate::units::{self, LONGEST_AGE, LONGEST_UPLOAD};
use crate::vocabulary::{Defaults, Named, Table, Vocabulary};

mod expressions;
pub(crate) mod load;
mod login;
mod names;
pub(crate) mod outage;
mod quotas;
mod revocation;

pub(crate) use expressions::source_text;
use expressions::{
    expressions_name_a_parameter, expressions_name_no_part_of_a_pattern, named_parameters,
};

/// What the rules look at.
struct Subject<'a> {
    args: &'a Args,
    /// `None` if the item is no function, which is reported already.
    handler: Option<&'a Handler>,
    /// `None` if the vocabulary is broken: names and defaults are unknown then.
    vocabulary: Option<&'a Vocabulary>,
}

impl Subject<'_> {
    fn is_public(&self) -> bool {
        self.args.public.is_some()
    }
}

/// The rules that only compare parts of the attribute with each other and the signature.
const RULES: &[fn(&Subject<'_>, &mut Errors)] = &[
    // A public handler asks nothing of the caller.
    public_has_no_other_access,
    // `hide` changes the answer of `allow`, and of nothing else.
    hide_stands_beside_allow,
    // `allow` is about this request, or it would be a role; so is the account of a login.
    expressions_name_a_parameter,
    // Expressions see parameters by their plain names only.
    expressions_name_no_part_of_a_pattern,
    // A limit on the body needs a body.
    body_keys_need_a_parameter,
];

/// Runs every rule; the policy is complete only if no step of it failed.
pub(crate) fn policy(
    args: &Args,
    handler: Option<&Handler>,
    vocabulary: Option<&Vocabulary>,
    errors: &mut Errors,
) -> Option<Policy> {
    let subject = Subject {
        args,
        handler,
        vocabulary,
    };
    for rule in RULES {
        rule(&subject, errors);
    }
    let access = access(&subject, errors);
    let quotas = quotas::quotas(&subject, errors);
    let login = login::login(&subject, quotas.as_deref(), errors);
    let outage = outage::outage(&subject, quotas.as_deref(), errors);
    let cost = load::cost(&subject, quotas.as_deref(), errors);
    let concurrency = load::concurrency(&subject, errors);
    let priority = load::priority(&subject, errors);
    let max_body = max_body(&subject, errors);
    let body_timeout = body_timeout(&subject, errors);
    Some(Policy {
        access: access?,
        outage: outage?,
        quotas: quotas?,
        cost: cost?,
        concurrency: concurrency?,
        priority: priority?,
        max_body: max_body?,
        body_timeout: body_timeout?,
        body_keys: body_keys(args),
        allow: allow(&subject),
        login: login?,
        runtime: args.runtime.as_ref().map(|runtime| runtime.value.clone()),
        tracked: vocabulary.and_then(|vocabulary| vocabulary.file.clone()),
    })
}

fn public_has_no_other_access(subject: &Subject<'_>, errors: &mut Errors) {
    if !subject.is_public() {
        return;
    }
    let args = subject.args;
    let keys = [
        ("role", args.role.as_ref().map(|role| role.key)),
        ("scope", args.scope.as_ref().map(|scope| scope.key)),
        ("max_age", args.max_age.as_ref().map(|max_age| max_age.key)),
        ("factor", args.factor.as_ref().map(|factor| factor.key)),
        (
            "revocation",
            args.revocation.as_ref().map(|revocation| revocation.key),
        ),
    ];
    for (name, place) in keys {
        if let Some(place) = place {
            let wrong = wrong!(
                "`{name}` on a public handler";
                help: "remove `public`, or remove `{name}`"
            );
            errors.push(wrong.at(place));
        }
    }
}

fn hide_stands_beside_allow(subject: &Subject<'_>, errors: &mut Errors) {
    let Args { allow, hide, .. } = subject.args;
    if subject.args.misses("allow") {
        return;
    }
    if let (Some(hide), None) = (hide, allow) {
        let wrong = wrong!(
            "`hide` without `allow`";
            help: "write the rule whose refusal is hidden: `allow = owns(&customer, *id).await, hide`"
        );
        errors.push(wrong.at(hide.key));
    }
}

fn body_keys_need_a_parameter(subject: &Subject<'_>, errors: &mut Errors) {
    let Some(handler) = subject.handler else {
        return;
    };
    if !handler.parameters.is_empty() || !handler.sig.inputs.is_empty() {
        return;
    }
    for key in body_keys(subject.args) {
        errors.push(no_body(key.name).at(key.place));
    }
}

/// A limit on a body that nobody reads. Told here for a handler without parameters; for others
/// only the compiler knows whether a type reads the body.
pub(crate) fn no_body(key: &str) -> Wrong {
    wrong!(
        "`{key}` on a handler that takes no body";
        help: "remove `{key}`, or take the body as a parameter: `order: web::Json<NewOrder>`"
    )
}

/// Two parameters that read the body: told by the compiler, as above.
pub(crate) fn second_body() -> Wrong {
    wrong!(
        "a second parameter that reads the body";
        help: "a body can be read once: put the fields into one type"
    )
}

/// A caller where none is asked for: told by the compiler, as above.
pub(crate) fn caller_on_public() -> Wrong {
    wrong!(
        "a public handler that takes the caller";
        help: "remove `public`, or take `Option<Principal>`"
    )
}

fn body_keys(args: &Args) -> Vec<BodyKey> {
    let keys = [
        ("max_body", args.max_body.as_ref()),
        ("body_timeout", args.body_timeout.as_ref()),
    ];
    let written = keys.into_iter().filter_map(|(name, setting)| {
        let place = setting?.key;
        Some(BodyKey { name, place })
    });
    written.collect()
}

fn access(subject: &Subject<'_>, errors: &mut Errors) -> Option<Access> {
    let args = subject.args;
    let roles = rule(
        subject,
        Table::Roles,
        args.role.as_ref().map(|role| &role.value),
        errors,
    );
    let scopes = rule(
        subject,
        Table::Scopes,
        args.scope.as_ref().map(|scope| &scope.value),
        errors,
    );
    let factors = rule(
        subject,
        Table::Factors,
        args.factor.as_ref().map(|factor| &factor.value),
        errors,
    );
    let max_age = match &args.max_age {
        None => Some(None),
        Some(age) => {
            let seconds = units::duration(&age.value.text, LONGEST_AGE);
            errors
                .note(seconds.map_err(|wrong| wrong.at(age.value.place)))
                .map(Some)
        }
    };
    let revocation = revocation::revocation(subject, errors);
    // Nothing is guarded by half: without the vocabulary nobody is let in.
    if subject.vocabulary.is_none() {
        return Some(Access::Refused);
    }
    if let Some(public) = &args.public {
        let reason = public.value.as_ref().map(|reason| reason.text.clone());
        return Some(Access::Public { reason });
    }
    Some(Access::Authenticated {
        roles: roles?,
        scopes: scopes?,
        max_age: max_age?,
        factors: factors?,
        revocation: revocation?,
    })
}

/// `None` if the rule is wrong; `Some(None)` if there is none.
fn rule(
    subject: &Subject<'_>,
    table: Table,
    names: Option<&Names>,
    errors: &mut Errors,
) -> Option<Option<Rule>> {
    match names {
        None => Some(None),
        Some(names) => names::rule(names, table, subject.vocabulary, errors).map(Some),
    }
}

fn max_body(subject: &Subject<'_>, errors: &mut Errors) -> Option<u64> {
    match &subject.args.max_body {
        None => Some(defaults(subject).max_body),
        Some(setting) => {
            let bytes = units::size(&setting.value.text);
            errors.note(bytes.map_err(|wrong| wrong.at(setting.value.place)))
        }
    }
}

fn body_timeout(subject: &Subject<'_>, errors: &mut Errors) -> Option<u64> {
    match &subject.args.body_timeout {
        None => Some(defaults(subject).body_timeout),
        Some(setting) => {
            let seconds = units::duration(&setting.value.text, LONGEST_UPLOAD);
            errors.note(seconds.map_err(|wrong| wrong.at(setting.value.place)))
        }
    }
}

/// The vocabulary's defaults; the built-in ones where it could not be read.
fn defaults(subject: &Subject<'_>) -> Defaults {
    match subject.vocabulary {
        Some(vocabulary) => vocabulary.defaults.clone(),
        None => Defaults::default(),
    }
}

fn allow(subject: &Subject<'_>) -> Option<Allow> {
    let setting = subject.args.allow.as_ref()?;
    Some(Allow {
        rule: setting.value.clone(),
        text: source_text(setting.value.clone()),
        hide: subject.args.hide.is_some(),
        parameters: named_parameters(subject, &setting.value),
    })
}

impl Quota {
    /// Counts by the caller where there is one, and by address where there is none.
    fn counted(named: &Named, public: bool) -> Self {
        let per = match (named.quota.per, public) {
            (Some(Per::User) | None, true) => Per::Ip,
            (None, false) => Per::User,
            (Some(per), _) => per,
        };
        Self {
            name: named.name.clone(),
            limit: named.quota.limit,
            period: named.quota.period,
            burst: named.quota.burst,
            per,
            sharing: named.quota.sharing,
        }
    }
}
