//! The shapes of values: texts, lists, names, expressions, paths.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseBuffer, ParseStream};
use syn::token::{Bracket, Paren};
use syn::{Expr, Ident, Lit, LitStr, Path, Token};

use super::{end_of_item, here, skip_item, unreadable};
use crate::errors::{Errors, Mistake, Place, Wrong, wrong};
use crate::model::{Names, Number, Text};

/// How the value of a key is written, for help texts.
pub(super) fn example(key: &str) -> &'static str {
    match key {
        "account" => "account = form.name",
        "allow" => "allow = owns(&customer, *id).await",
        "attempts" => "attempts = \"5/15min\"",
        "body_timeout" => "body_timeout = \"10s\"",
        "concurrency" => "concurrency = 20",
        "cost" => "cost = 5",
        "crate" => "crate = my_crate::secure_runtime",
        "factor" => "factor = \"otp\"",
        "hide" => "hide",
        "login" => "login(account = form.name, attempts = \"5/15min\")",
        "lock" => "lock = \"30min\"",
        "max_age" => "max_age = \"15min\"",
        "max_body" => "max_body = \"64KB\"",
        "outage" => "outage = \"deny\"",
        "password" => "password = form.password",
        "priority" => "priority = \"critical\"",
        "public" => "public = \"reason\"",
        "rate" => "rate = \"10/min\"",
        "revocation" => "revocation = \"2s\"",
        "role" => "role = \"admin\"",
        _ => "scope = \"orders:read\"",
    }
}

/// The `=` between key and value, and something after it.
pub(super) fn equals(input: ParseStream<'_>, key: &Ident) -> Result<(), Mistake> {
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
pub(super) fn flag(input: ParseStream<'_>, key: &Ident) -> Result<(), Mistake> {
    if input.peek(Token![=]) || input.peek(Paren) {
        return Err(wrong!("`{key}` takes no value"; help: "write `{key}`").at(key.span()));
    }
    Ok(())
}

/// `public`, or `public = "reason"`.
pub(super) fn reason(input: ParseStream<'_>, key: &Ident) -> Result<Option<Text>, Mistake> {
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
pub(super) fn text(input: ParseStream<'_>, key: &Ident) -> Result<Text, Mistake> {
    equals(input, key)?;
    literal(input).ok_or_else(|| not_a_text(input, key))
}

/// `key = 20`.
pub(super) fn number(input: ParseStream<'_>, key: &Ident) -> Result<Number, Mistake> {
    equals(input, key)?;
    let place = value_place(input);
    let example = example(&key.to_string());
    let no_number = || {
        wrong!("the value of `{key}` is a whole number from 1"; help: "write `{example}`").at(place)
    };
    let literal = match input.parse::<Lit>() {
        Ok(Lit::Int(literal))
            if literal.suffix().is_empty() && !literal.base10_digits().starts_with('-') =>
        {
            literal
        }
        Ok(Lit::Str(text)) if text.value().parse::<u32>().is_ok() => {
            let digits = text.value();
            let wrong = wrong!(
                "the value of `{key}` is a number without quotes";
                help: "write `{key} = {digits}`"
            );
            return Err(wrong.at(place));
        }
        _ => return Err(no_number()),
    };
    match literal.base10_parse() {
        Ok(value) => Ok(Number { value, place }),
        Err(_) => {
            let most = u32::MAX;
            let wrong = wrong!(
                "`{literal}` is more than `{key}` can count";
                help: "the most is `{key} = {most}`"
            );
            Err(wrong.at(place))
        }
    }
}

pub(super) fn not_a_text(input: ParseStream<'_>, key: &Ident) -> Mistake {
    let place = value_place(input);
    let example = example(&key.to_string());
    let number = input.fork().parse::<Lit>().ok();
    let unit = match key.to_string().as_str() {
        "max_body" => Some("B"),
        "attempts" => Some("/15min"),
        "rate" => Some("/min"),
        "body_timeout" | "lock" | "max_age" | "revocation" => Some("s"),
        _ => None,
    };
    match (number, unit) {
        (Some(Lit::Int(number)), Some(unit)) => {
            let digits = number.base10_digits();
            wrong!("`{number}` has no unit"; help: "write `{key} = \"{digits}{unit}\"`").at(place)
        }
        _ => {
            wrong!("the value of `{key}` is a text in quotes"; help: "write `{example}`").at(place)
        }
    }
}

/// `rate = "text"` or `rate = ["text", "text"]`.
pub(super) fn texts(
    input: ParseStream<'_>,
    key: &Ident,
    errors: &mut Errors,
) -> Result<Vec<Text>, Mistake> {
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
    Ok(list.values.into_iter().flatten().collect())
}

/// `key = "name"`, `key = any(..)`, `key = all(..)`.
pub(super) fn names_of(
    input: ParseStream<'_>,
    key: &Ident,
    errors: &mut Errors,
) -> Result<Names, Mistake> {
    equals(input, key)?;
    names(input, key, errors)
}

fn names(input: ParseStream<'_>, key: &Ident, errors: &mut Errors) -> Result<Names, Mistake> {
    if let Some(name) = literal(input) {
        return Ok(Names::One(name));
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
    // A member that could not be read keeps its place: the others are judged as its neighbours.
    let members = list.values.into_iter();
    let members = members
        .map(|member| member.unwrap_or(Names::Unreadable))
        .collect();
    Ok(match word == "any" {
        true => Names::Any(place, members),
        false => Names::All(place, members),
    })
}

/// `allow = <expression>`: parsed to know where it ends, kept as it was written.
pub(super) fn rule(input: ParseStream<'_>, key: &Ident) -> Result<TokenStream, Mistake> {
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
            let example = example(&key.to_string());
            let wrong = wrong!(
                "the value of `{key}` is no expression: {error}";
                help: "write `{example}`"
            );
            Err(wrong.at(value_place(input)))
        }
    }
}

/// `crate = some::path`.
pub(super) fn path(input: ParseStream<'_>, key: &Ident) -> Result<Path, Mistake> {
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

pub(super) fn parentheses(input: ParseStream<'_>) -> syn::Result<(Paren, ParseBuffer<'_>)> {
    let content;
    let parens = syn::parenthesized!(content in input);
    Ok((parens, content))
}

struct List<T> {
    /// Each member; `None` where it could not be read.
    values: Vec<Option<T>>,
    seen_nothing: bool,
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
    };
    while !input.is_empty() {
        let outcome = member(input, errors).and_then(|value| end_of_item(input).map(|()| value));
        let value = errors.note(outcome);
        if value.is_none() {
            skip_item(input);
        }
        list.values.push(value);
        let _comma: Option<Token![,]> = input.parse().ok();
    }
    list
}

/// The next token if it is a string literal.
pub(super) fn literal(input: ParseStream<'_>) -> Option<Text> {
    if !input.peek(LitStr) {
        return None;
    }
    let literal: LitStr = input.parse().ok()?;
    Some(Text {
        text: literal.value(),
        place: literal.span().into(),
    })
}

fn is_last(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    ahead.parse::<TokenTree>().is_ok() && ahead.is_empty()
}

/// Everything up to the next comma.
pub(super) fn value_place(input: ParseStream<'_>) -> Place {
    let ahead = input.fork();
    let mut value = TokenStream::new();
    while !ahead.is_empty() && !ahead.peek(Token![,]) {
        match ahead.parse::<TokenTree>() {
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
