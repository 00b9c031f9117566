//! Checks that can be switched off: `key = "text"`, or `key(off = "reason")`.

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::token::Paren;
use syn::{Ident, Token};

use super::value::{equals, example, literal, not_a_text, parentheses, value_place};
use super::{end_of_item, here, unreadable};
use crate::errors::{Errors, Mistake, wrong};
use crate::model::{Switch, Text};

pub(super) fn switch(
    input: ParseStream<'_>,
    key: &Ident,
    errors: &mut Errors,
) -> Result<Switch, Mistake> {
    if input.peek(Paren) {
        return off(input, key, errors).map(Switch::Off);
    }
    equals(input, key)?;
    let place = value_place(input);
    let word = input.fork().call(Ident::parse_any).ok();
    let text = literal(&input.fork());
    if word.is_some_and(|word| word == "off") || text.is_some_and(|text| text.text == "off") {
        let wrong = wrong!(
            "`{key}` is off without a reason";
            help: "write `{key}(off = \"reason\")`"
        );
        return Err(wrong.at(place));
    }
    literal(input)
        .map(Switch::On)
        .ok_or_else(|| not_a_text(input, key))
}

/// `(off = "reason")`, the only thing that stands in parentheses.
fn off(input: ParseStream<'_>, key: &Ident, errors: &mut Errors) -> Result<Text, Mistake> {
    let (_, content) = parentheses(input).map_err(unreadable)?;
    let outcome = only_off(&content, key, errors);
    // What was not read after a mistake would be one more.
    let _rest: Option<TokenStream> = content.parse().ok();
    outcome
}

fn only_off(content: ParseStream<'_>, key: &Ident, errors: &mut Errors) -> Result<Text, Mistake> {
    if content.is_empty() {
        let example = example(&key.to_string());
        let wrong = wrong!(
            "`{key}()` says nothing";
            help: "write `{example}`, or `{key}(off = \"reason\")`"
        );
        return Err(wrong.at(key.span()));
    }
    let reason = off_reason(content, key)?;
    end_of_item(content)?;
    let _comma: Option<Token![,]> = content.parse().ok();
    if !content.is_empty() {
        let second = content.fork().call(Ident::parse_any).ok();
        let wrong = match second {
            Some(second) if second == "off" => {
                wrong!("`off` twice"; help: "remove one of them")
            }
            _ => wrong!(
                "something beside `off` in `{key}(..)`";
                help: "write `{key}(off = \"reason\")`"
            ),
        };
        errors.push(wrong.at(here(content)));
    }
    Ok(reason)
}

fn off_reason(content: ParseStream<'_>, key: &Ident) -> Result<Text, Mistake> {
    let place = here(content);
    let word = content.call(Ident::parse_any).ok();
    let Some(word) = word.filter(|word| word == "off") else {
        let wrong = wrong!(
            "only `off` stands in `{key}(..)`";
            help: "write `{key}(off = \"reason\")`"
        );
        return Err(wrong.at(place));
    };
    let equals: Option<Token![=]> = content.parse().ok();
    if equals.is_none() || content.is_empty() {
        let wrong = wrong!(
            "`off` without a reason";
            help: "write `{key}(off = \"reason\")`"
        );
        return Err(wrong.at(word.span()));
    }
    let place = value_place(content);
    let Some(reason) = literal(content) else {
        let wrong = wrong!(
            "the value of `off` is a reason in quotes";
            help: "write `{key}(off = \"reason\")`"
        );
        return Err(wrong.at(place));
    };
    if reason.text.trim().is_empty() {
        let wrong = wrong!(
            "an empty reason";
            help: "write why the check is off, as in `{key}(off = \"reason\")`"
        );
        return Err(wrong.at(reason.place));
    }
    Ok(reason)
}
