//! [`Args`], [`Handler`] and [`Vocabulary`] -> [`Policy`], or every mistake.

use proc_macro2::{Delimiter, LineColumn, TokenStream, TokenTree};
use quote::ToTokens;
use syn::Ident;

use crate::errors::{Errors, Place, Wrong, wrong};
use crate::model::{Access, Allow, Args, BodyKey, Handler, Names, Policy, Quota, Rule, Setting};
use crate::units::{self, LONGEST_AGE, LONGEST_UPLOAD};
use crate::vocabulary::{Defaults, Table, Vocabulary};

pub(crate) mod load;
mod login;
mod names;
pub(crate) mod outage;
mod quotas;
mod revocation;

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

/// The expressions over the handler's arguments, and how each is called in messages.
fn expressions(args: &Args) -> impl Iterator<Item = (&'static str, &Setting<TokenStream>)> {
    let login = args.login.as_ref().map(|login| &login.value);
    let account = login.and_then(|login| login.account.as_ref());
    let password = login.and_then(|login| login.password.as_ref());
    let all = [
        ("allow", args.allow.as_ref()),
        ("account", account),
        ("password", password),
    ];
    all.into_iter()
        .filter_map(|(key, setting)| Some((key, setting?)))
}

fn expressions_name_a_parameter(subject: &Subject<'_>, errors: &mut Errors) {
    let Some(handler) = subject.handler else {
        return;
    };
    for (key, setting) in expressions(subject.args) {
        let used = mentioned(setting.value.clone());
        let names_one = handler.parameters.iter().any(|parameter| {
            let mut names = parameter.name.iter().chain(&parameter.bound);
            names.any(|name| used.contains(name))
        });
        if names_one {
            continue;
        }
        let wrong = match key {
            "allow" => wrong!(
                "`allow` uses no parameter of the handler";
                help: "name one, as in `allow = owns(&customer, *id).await`; who may call at all is said by `role` and `scope`"
            ),
            _ => wrong!(
                "`{key}` uses no parameter of the handler";
                help: "name one, as in `{key} = form.{key}`"
            ),
        };
        errors.push(wrong.at(Place::of(&setting.value)));
    }
}

fn expressions_name_no_part_of_a_pattern(subject: &Subject<'_>, errors: &mut Errors) {
    let Some(handler) = subject.handler else {
        return;
    };
    for (key, setting) in expressions(subject.args) {
        let used = mentioned(setting.value.clone());
        for parameter in &handler.parameters {
            for name in &parameter.bound {
                let Some(place) = used.find(name) else {
                    continue;
                };
                let ty = source_text(parameter.ty.to_token_stream());
                let wrong = wrong!(
                    "`{name}` in `{key}` is only a part of a parameter";
                    help: "give the parameter a plain name, as in `{name}: {ty}`"
                );
                errors.push(wrong.at(place));
            }
        }
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

/// Positions of the parameters that an expression names.
fn named_parameters(subject: &Subject<'_>, expression: &TokenStream) -> Vec<usize> {
    let used = mentioned(expression.clone());
    let parameters = subject
        .handler
        .into_iter()
        .flat_map(|handler| &handler.parameters);
    let positions = parameters.enumerate().filter_map(|(position, parameter)| {
        let name = parameter.name.as_ref()?;
        used.contains(name).then_some(position)
    });
    positions.collect()
}

/// Tokens as text in one line, spaced as they were written.
pub(crate) fn source_text(tokens: TokenStream) -> String {
    let mut text = String::new();
    let mut end = None;
    write_source(tokens, &mut text, &mut end);
    text
}

fn write_source(tokens: TokenStream, text: &mut String, end: &mut Option<LineColumn>) {
    for token in tokens {
        let span = token.span();
        if end.is_some_and(|end| end != span.start()) {
            text.push(' ');
        }
        if let TokenTree::Group(group) = token {
            let (open, close) = match group.delimiter() {
                Delimiter::Brace => ("{ ", " }"),
                Delimiter::Bracket => ("[", "]"),
                Delimiter::Parenthesis => ("(", ")"),
                Delimiter::None => ("", ""),
            };
            text.push_str(open);
            write_source(group.stream(), text, &mut None);
            text.push_str(close);
        } else {
            text.push_str(&token.to_string());
        }
        *end = Some(span.end());
    }
}

/// The names that an expression uses, and the strings in which it may name something.
struct Mentioned {
    names: Vec<Ident>,
    literals: Vec<(String, Place)>,
}

impl Mentioned {
    fn contains(&self, name: &Ident) -> bool {
        self.find(name).is_some()
    }

    fn find(&self, name: &Ident) -> Option<Place> {
        let named = self.names.iter().find(|used| *used == name);
        // `format!("{id}")` names `id` too.
        let captures = [format!("{{{name}}}"), format!("{{{name}:")];
        let captured = |text: &str| captures.iter().any(|capture| text.contains(capture));
        let in_literal = self.literals.iter().find(|(text, _)| captured(text));
        named
            .map(|ident| ident.span().into())
            .or(in_literal.map(|(_, place)| *place))
    }
}

/// Identifiers that are neither fields, methods nor later segments of a path.
fn mentioned(tokens: TokenStream) -> Mentioned {
    let mut mentioned = Mentioned {
        names: Vec::new(),
        literals: Vec::new(),
    };
    collect(tokens, &mut mentioned);
    mentioned
}

fn collect(tokens: TokenStream, mentioned: &mut Mentioned) {
    // The punctuation that stands directly before the token, such as `.` or `::`.
    let mut before = String::new();
    for token in tokens {
        match token {
            TokenTree::Punct(punct) => {
                before.push(punct.as_char());
                continue;
            }
            TokenTree::Group(group) => collect(group.stream(), mentioned),
            TokenTree::Ident(ident) => {
                let field = before.ends_with('.') && !before.ends_with("..");
                if !field && !before.ends_with("::") {
                    mentioned.names.push(ident);
                }
            }
            TokenTree::Literal(literal) => {
                let place = literal.span().into();
                mentioned.literals.push((literal.to_string(), place));
            }
        }
        before.clear();
    }
}

impl Quota {
    /// Counts by the caller where there is one, and by address where there is none.
    fn counted(named: &crate::vocabulary::Named, public: bool) -> Self {
        use crate::model::Per;

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
