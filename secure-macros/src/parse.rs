//! The attribute's tokens -> [`Args`]: keys, duplicates, the shape of each value.

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, Ident, Token};

use crate::errors::{Errors, Mistake, Place, Wrong, wrong};
use crate::model::{Args, Setting};
use crate::vocabulary::{nearest, quoted_list};

mod login;
mod switch;
mod value;

use login::login;
use switch::switch;
use value::{example, flag, names_of, number, path, reason, rule, text, texts};

/// Every key, in alphabetical order.
const KEYS: &[&str] = &[
    "allow",
    "body_timeout",
    "concurrency",
    "cost",
    "crate",
    "factor",
    "hide",
    "login",
    "max_age",
    "max_body",
    "outage",
    "priority",
    "public",
    "rate",
    "revocation",
    "role",
    "scope",
];

/// Reads the whole attribute; after a bad item it goes on with the next one.
pub(crate) fn attribute(tokens: TokenStream, errors: &mut Errors) -> Args {
    let mut args = Args::default();
    let items = |input: ParseStream<'_>| {
        items(input, &mut args, errors);
        Ok(())
    };
    if let Err(error) = items.parse2(tokens) {
        let wrong = wrong!("{error}"; help: "write `key = value`, separated by commas");
        errors.push(wrong.at(error.span()));
    }
    args
}

fn items(input: ParseStream<'_>, args: &mut Args, errors: &mut Errors) {
    let mut seen = Vec::new();
    while !input.is_empty() {
        let keys = seen.len();
        let outcome = item(input, args, &mut seen, errors).and_then(|()| end_of_item(input));
        if errors.note(outcome).is_none() {
            args.unreadable
                .extend(seen.get(keys..).into_iter().flatten().map(Ident::to_string));
            skip_item(input);
        }
        // After an item comes a comma or the end: `skip_item` stops nowhere else.
        let _comma: Option<Token![,]> = input.parse().ok();
    }
}

/// One `key`, or `key = value`.
fn item(
    input: ParseStream<'_>,
    args: &mut Args,
    seen: &mut Vec<Ident>,
    errors: &mut Errors,
) -> Result<(), Mistake> {
    if !input.peek(Ident::peek_any) {
        let wrong = wrong!(
            "expected a key";
            help: "write `key = value`, as in `role = \"admin\"`"
        );
        return Err(wrong.at(here(input)));
    }
    let key = Ident::parse_any(input).map_err(unreadable)?;
    let name = key.to_string();
    if !KEYS.contains(&name.as_str()) {
        args.unreadable.extend(meant(&name).map(str::to_owned));
        return Err(unknown_key(&name).at(key.span()));
    }
    if seen.contains(&key) {
        return Err(twice(&name).at(key.span()));
    }
    seen.push(key.clone());

    match name.as_str() {
        "allow" => args.allow = Some(setting(&key, rule(input, &key)?)),
        "body_timeout" => args.body_timeout = Some(setting(&key, text(input, &key)?)),
        "concurrency" => args.concurrency = Some(setting(&key, number(input, &key)?)),
        "cost" => args.cost = Some(setting(&key, number(input, &key)?)),
        "crate" => args.runtime = Some(setting(&key, path(input, &key)?)),
        "factor" => args.factor = Some(setting(&key, names_of(input, &key, errors)?)),
        "hide" => args.hide = Some(setting(&key, flag(input, &key)?)),
        "login" => args.login = Some(setting(&key, login(input, &key, errors)?)),
        "max_age" => args.max_age = Some(setting(&key, text(input, &key)?)),
        "max_body" => args.max_body = Some(setting(&key, text(input, &key)?)),
        "outage" => args.outage = Some(setting(&key, text(input, &key)?)),
        "priority" => args.priority = Some(setting(&key, text(input, &key)?)),
        "public" => args.public = Some(setting(&key, reason(input, &key)?)),
        "rate" => args.rate = Some(setting(&key, texts(input, &key, errors)?)),
        "revocation" => args.revocation = Some(setting(&key, switch(input, &key, errors)?)),
        "role" => args.role = Some(setting(&key, names_of(input, &key, errors)?)),
        // The only key left: a new one that is forgotten here is noticed by its table row.
        _ => args.scope = Some(setting(&key, names_of(input, &key, errors)?)),
    }
    Ok(())
}

fn setting<T>(key: &Ident, value: T) -> Setting<T> {
    Setting {
        key: key.span().into(),
        value,
    }
}

/// The key that a misspelt one stands for.
fn meant(name: &str) -> Option<&'static str> {
    nearest(name, KEYS.iter().copied())
}

fn unknown_key(name: &str) -> Wrong {
    if login::KEYS.contains(&name) {
        let example = example("login");
        return wrong!("`{name}` stands in `login(..)`"; help: "write `{example}`");
    }
    if let Some(place) = in_a_quota(name) {
        return wrong!("`{name}` stands in the text of a quota"; help: "write `{place}`");
    }
    let keys = quoted_list(KEYS.iter().copied());
    match meant(name) {
        Some(near) => {
            wrong!("unknown key `{name}`"; help: "did you mean `{near}`? the keys are {keys}")
        }
        None => wrong!("unknown key `{name}`"; help: "the keys are {keys}"),
    }
}

/// Where a word of quotas stands, for whoever writes it as a key.
fn in_a_quota(word: &str) -> Option<&'static str> {
    match word {
        "burst" => Some("rate = \"10/min burst 20\""),
        "leased" => Some("rate = \"1000/min leased\""),
        "local" => Some("rate = \"10/min local\""),
        "per" => Some("rate = \"10/min per ip\""),
        _ => None,
    }
}

fn twice(name: &str) -> Wrong {
    match name {
        "rate" => wrong!(
            "`rate` twice";
            help: "write one list, as in `rate = [\"5/s\", \"100/hour\"]`"
        ),
        "factor" | "role" | "scope" => wrong!(
            "`{name}` twice";
            help: "write `{name} = all(..)` if both are needed, `{name} = any(..)` if one is enough"
        ),
        _ => wrong!("`{name}` twice"; help: "remove one of them"),
    }
}

fn end_of_item(input: ParseStream<'_>) -> Result<(), Mistake> {
    if input.is_empty() || input.peek(Token![,]) {
        return Ok(());
    }
    Err(wrong!("expected `,`"; help: "separate what stands here with a comma").at(here(input)))
}

/// Moves on to the next comma that ends an item.
fn skip_item(input: ParseStream<'_>) {
    // A value that is an expression may hold commas in generics: `a::<B, C>()`.
    if input.peek(Token![=]) {
        let ahead = input.fork();
        let value = ahead
            .parse::<Token![=]>()
            .and_then(|_| ahead.parse::<Expr>());
        if value.is_ok() && (ahead.is_empty() || ahead.peek(Token![,])) {
            input.advance_to(&ahead);
        }
    }
    while !input.is_empty() && !input.peek(Token![,]) {
        let skipped: syn::Result<TokenTree> = input.parse();
        if skipped.is_err() {
            return;
        }
    }
}

/// The next token.
fn here(input: ParseStream<'_>) -> Place {
    match input.fork().parse::<TokenTree>() {
        Ok(token) => Place::of(&token),
        Err(_) => input.span().into(),
    }
}

fn unreadable(error: syn::Error) -> Mistake {
    wrong!("{error}"; help: "write `key = value`, separated by commas").at(error.span())
}
