//! The attribute's tokens -> [`Args`]: keys, duplicates, the shape of each value.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseBuffer, ParseStream, Parser};
use syn::token::{Bracket, Paren};
use syn::{Expr, Ident, Lit, LitStr, Path, Token};

use crate::errors::{Errors, Mistake, Place, Wrong, wrong};
use crate::model::{Args, Names, Setting, Text};
use crate::vocabulary::{nearest, quoted_list};

/// Every key, in alphabetical order.
const KEYS: &[&str] = &[
    "allow",
    "body_timeout",
    "crate",
    "hide",
    "max_age",
    "max_body",
    "public",
    "rate",
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
        let outcome = item(input, args, &mut seen, errors).and_then(|()| end_of_item(input));
        if errors.note(outcome).is_none() {
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
        return Err(unknown_key(&name).at(key.span()));
    }
    if seen.contains(&key) {
        return Err(twice(&name).at(key.span()));
    }
    seen.push(key.clone());

    match name.as_str() {
        "allow" => args.allow = Some(setting(&key, rule(input, &key)?)),
        "body_timeout" => args.body_timeout = Some(setting(&key, text(input, &key)?)),
        "crate" => args.runtime = Some(setting(&key, path(input, &key)?)),
        "hide" => args.hide = Some(setting(&key, flag(input, &key)?)),
        "max_age" => args.max_age = Some(setting(&key, text(input, &key)?)),
        "max_body" => args.max_body = Some(setting(&key, text(input, &key)?)),
        "public" => args.public = Some(setting(&key, reason(input, &key)?)),
        "rate" => args.rate = Some(setting(&key, texts(input, &key, errors)?)),
        "role" => args.role = names_of(input, &key, errors)?.map(|value| setting(&key, value)),
        // The only key left: a new one that is forgotten here is noticed by its table row.
        _ => args.scope = names_of(input, &key, errors)?.map(|value| setting(&key, value)),
    }
    Ok(())
}

fn setting<T>(key: &Ident, value: T) -> Setting<T> {
    Setting {
        key: key.span().into(),
        value,
    }
}

fn unknown_key(name: &str) -> Wrong {
    let keys = quoted_list(KEYS.iter().copied());
    match nearest(name, KEYS.iter().copied()) {
        Some(near) => {
            wrong!("unknown key `{name}`"; help: "did you mean `{near}`? the keys are {keys}")
        }
        None => wrong!("unknown key `{name}`"; help: "the keys are {keys}"),
    }
}

fn twice(name: &str) -> Wrong {
    match name {
        "rate" => wrong!(
            "`rate` twice";
            help: "write one list, as in `rate = [\"5/s\", \"100/hour\"]`"
        ),
        "role" | "scope" => wrong!(
            "`{name}` twice";
            help: "write `{name} = all(..)` if both are needed, `{name} = any(..)` if one is enough"
        ),
        _ => wrong!("`{name}` twice"; help: "remove one of them"),
    }
}

/// How the value of a key is written, for help texts.
fn example(key: &str) -> &'static str {
    match key {
        "allow" => "allow = owns(&customer, *id).await",
        "body_timeout" => "body_timeout = \"10s\"",
        "crate" => "crate = my_crate::secure_runtime",
        "hide" => "hide",
        "max_age" => "max_age = \"15min\"",
        "max_body" => "max_body = \"64KB\"",
        "public" => "public = \"reason\"",
        "rate" => "rate = \"10/min\"",
        "role" => "role = \"admin\"",
        _ => "scope = \"orders:read\"",
    }
}

/// The `=` between key and value, and something after it.
fn equals(input: ParseStream<'_>, key: &Ident) -> Result<(), Mistake> {
    let example = example(&key.to_string());
    if input.peek(Paren) {
        return Err(
            wrong!("`{key}(..)` is written with `=`"; help: "write `{example}`").at(key.span()),
        );
    }
    let equals: Option<Token![=]> = input.parse().ok();
    if equals.is_none() || input.is_empty() || input.peek(Token![,]) {
        return Err(wrong!("`{key}` without a value"; help: "write `{example}`").at(key.span()));
    }
    Ok(())
}

/// `key` alone.
fn flag(input: ParseStream<'_>, key: &Ident) -> Result<(), Mistake> {
    if input.peek(Token![=]) || input.peek(Paren) {
        return Err(wrong!("`{key}` takes no value"; help: "write `{key}`").at(key.span()));
    }
    Ok(())
}

/// `public`, or `public = "reason"`.
fn reason(input: ParseStream<'_>, key: &Ident) -> Result<Option<Text>, Mistake> {
    if input.is_empty() || input.peek(Token![,]) {
        return Ok(None);
    }
    equals(input, key)?;
    let Some(reason) = literal(input) else {
        let wrong = wrong!(
            "the value of `public` is a reason in quotes";
            help: "write `public`, or `public = \"reason\"`"
        );
        return Err(wrong.at(value_place(input)));
    };
    if reason.text.trim().is_empty() {
        let wrong = wrong!(
            "an empty reason";
            help: "write why the handler is public, or leave `public` alone"
        );
        return Err(wrong.at(reason.place));
    }
    Ok(Some(reason))
}

/// `key = "text"`.
fn text(input: ParseStream<'_>, key: &Ident) -> Result<Text, Mistake> {
    equals(input, key)?;
    literal(input).ok_or_else(|| not_a_text(input, key))
}

fn not_a_text(input: ParseStream<'_>, key: &Ident) -> Mistake {
    let place = value_place(input);
    let example = example(&key.to_string());
    let number = input.fork().parse::<Lit>().ok();
    match number {
        Some(Lit::Int(number)) => {
            let unit = match key.to_string().as_str() {
                "max_body" => "B",
                "rate" => "/min",
                _ => "s",
            };
            let digits = number.base10_digits();
            wrong!("`{number}` has no unit"; help: "write `{key} = \"{digits}{unit}\"`").at(place)
        }
        _ => {
            wrong!("the value of `{key}` is a text in quotes"; help: "write `{example}`").at(place)
        }
    }
}

/// `rate = "text"` or `rate = ["text", "text"]`.
fn texts(input: ParseStream<'_>, key: &Ident, errors: &mut Errors) -> Result<Vec<Text>, Mistake> {
    equals(input, key)?;
    if !input.peek(Bracket) {
        let text = literal(input).ok_or_else(|| not_a_text(input, key))?;
        return Ok(vec![text]);
    }
    let (bracket, content) = brackets(input).map_err(unreadable)?;
    let list = list(&content, errors, |input, _| {
        literal(input).ok_or_else(|| not_a_text(input, key))
    });
    if list.seen_nothing {
        let wrong = wrong!(
            "an empty list of quotas";
            help: "write `rate = \"10/min\"`, or leave `rate` out for the default"
        );
        return Err(wrong.at(place_of_span(bracket.span)));
    }
    Ok(list.values)
}

/// `key = "name"`, `key = any(..)`, `key = all(..)`.
///
/// `None` if mistakes inside left nothing of it; they are noted already.
fn names_of(
    input: ParseStream<'_>,
    key: &Ident,
    errors: &mut Errors,
) -> Result<Option<Names>, Mistake> {
    equals(input, key)?;
    names(input, key, errors)
}

fn names(
    input: ParseStream<'_>,
    key: &Ident,
    errors: &mut Errors,
) -> Result<Option<Names>, Mistake> {
    if let Some(name) = literal(input) {
        return Ok(Some(Names::One(name)));
    }
    let place = value_place(input);
    if input.peek(Bracket) {
        let wrong = wrong!(
            "a list for `{key}` does not say whether one or every name is needed";
            help: "write `{key} = any(..)` or `{key} = all(..)`"
        );
        return Err(wrong.at(place));
    }
    let example = example(&key.to_string());
    let word = input.fork().call(Ident::parse_any).ok();
    let Some(word) = word else {
        let wrong = wrong!(
            "the value of `{key}` is a name in quotes, `any(..)` or `all(..)`";
            help: "write `{example}`"
        );
        return Err(wrong.at(place));
    };
    if !input.peek2(Paren) {
        let help_name = if input.peek2(Token![,]) || is_last(input) {
            format!("write `\"{word}\"`")
        } else {
            format!("write `{example}`")
        };
        return Err(Wrong {
            what: format!("the value of `{key}` is a name in quotes, `any(..)` or `all(..)`"),
            help: help_name,
        }
        .at(place));
    }
    if word != "any" && word != "all" {
        let wrong = wrong!(
            "`{word}(..)` is unknown";
            help: "write `any(..)` if one name is enough, `all(..)` if every name is needed"
        );
        return Err(wrong.at(word.span()));
    }
    let word = Ident::parse_any(input).map_err(unreadable)?;
    let (parens, content) = parentheses(input).map_err(unreadable)?;
    let place = Place {
        start: word.span(),
        end: parens.span.close(),
    };
    let list = list(&content, errors, |input, errors| names(input, key, errors));
    if list.seen_nothing {
        let wrong = wrong!("`{word}()` without a name in it"; help: "write `{example}`");
        return Err(wrong.at(place));
    }
    let complete = list.complete;
    let values: Vec<Names> = list.values.into_iter().flatten().collect();
    // A list that lost members to mistakes says something else than its author did.
    if !complete || values.is_empty() {
        return Ok(None);
    }
    Ok(Some(if word == "any" {
        Names::Any(place, values)
    } else {
        Names::All(place, values)
    }))
}

/// `allow = <expression>`: parsed to know where it ends, kept as it was written.
fn rule(input: ParseStream<'_>, key: &Ident) -> Result<TokenStream, Mistake> {
    equals(input, key)?;
    let ahead = input.fork();
    match ahead.parse::<Expr>() {
        Ok(_) => {
            let mut rule = Vec::new();
            let mut cursor = input.cursor();
            while cursor != ahead.cursor() {
                let Some((token, next)) = cursor.token_tree() else {
                    break;
                };
                rule.push(token);
                cursor = next;
            }
            input.advance_to(&ahead);
            Ok(rule.into_iter().collect())
        }
        Err(error) => {
            let wrong = wrong!(
                "the value of `allow` is no expression: {error}";
                help: "write `allow = owns(&customer, *id).await`"
            );
            Err(wrong.at(error.span()))
        }
    }
}

/// `crate = some::path`.
fn path(input: ParseStream<'_>, key: &Ident) -> Result<Path, Mistake> {
    equals(input, key)?;
    if let Some(text) = literal(&input.fork()) {
        let path = text.text;
        let wrong =
            wrong!("the value of `crate` is a path without quotes"; help: "write `crate = {path}`");
        return Err(wrong.at(text.place));
    }
    let ahead = input.fork();
    match ahead.call(Path::parse_mod_style) {
        Ok(path) => {
            input.advance_to(&ahead);
            Ok(path)
        }
        Err(_) => {
            let wrong = wrong!(
                "the value of `crate` is no path";
                help: "write `crate = my_crate::secure_runtime`"
            );
            Err(wrong.at(value_place(input)))
        }
    }
}

fn brackets(input: ParseStream<'_>) -> syn::Result<(Bracket, ParseBuffer<'_>)> {
    let content;
    let bracket = syn::bracketed!(content in input);
    Ok((bracket, content))
}

fn parentheses(input: ParseStream<'_>) -> syn::Result<(Paren, ParseBuffer<'_>)> {
    let content;
    let parens = syn::parenthesized!(content in input);
    Ok((parens, content))
}

struct List<T> {
    values: Vec<T>,
    seen_nothing: bool,
    /// No member was lost to a mistake.
    complete: bool,
}

/// Members separated by commas; a bad one is noted and skipped.
fn list<T>(
    input: ParseStream<'_>,
    errors: &mut Errors,
    member: impl Fn(ParseStream<'_>, &mut Errors) -> Result<T, Mistake>,
) -> List<T> {
    let mut list = List {
        values: Vec::new(),
        seen_nothing: input.is_empty(),
        complete: true,
    };
    while !input.is_empty() {
        let outcome = member(input, errors).and_then(|value| end_of_item(input).map(|()| value));
        match errors.note(outcome) {
            Some(value) => list.values.push(value),
            None => {
                list.complete = false;
                skip_item(input);
            }
        }
        let _comma: Option<Token![,]> = input.parse().ok();
    }
    list
}

/// The next token if it is a string literal.
fn literal(input: ParseStream<'_>) -> Option<Text> {
    if !input.peek(LitStr) {
        return None;
    }
    let literal: LitStr = input.parse().ok()?;
    Some(Text {
        text: literal.value(),
        place: literal.span().into(),
    })
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
        let skipped: syn::Result<proc_macro2::TokenTree> = input.parse();
        if skipped.is_err() {
            return;
        }
    }
}

fn is_last(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    ahead.parse::<proc_macro2::TokenTree>().is_ok() && ahead.is_empty()
}

/// The next token.
fn here(input: ParseStream<'_>) -> Place {
    match input.fork().parse::<proc_macro2::TokenTree>() {
        Ok(token) => Place::of(&token),
        Err(_) => input.span().into(),
    }
}

/// Everything up to the next comma.
fn value_place(input: ParseStream<'_>) -> Place {
    let ahead = input.fork();
    let mut value = TokenStream::new();
    while !ahead.is_empty() && !ahead.peek(Token![,]) {
        match ahead.parse::<proc_macro2::TokenTree>() {
            Ok(token) => token.to_tokens(&mut value),
            Err(_) => break,
        }
    }
    if value.is_empty() {
        here(input)
    } else {
        Place::of(&value)
    }
}

fn place_of_span(span: proc_macro2::extra::DelimSpan) -> Place {
    Place {
        start: span.open(),
        end: span.close(),
    }
}

fn unreadable(error: syn::Error) -> Mistake {
    wrong!("{error}"; help: "write `key = value`, separated by commas").at(error.span())
}
