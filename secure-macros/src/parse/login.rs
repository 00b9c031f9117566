//! `login(account = <expression>, attempts = "5/15min", ..)`.

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::token::Paren;
use syn::{Ident, Token};

use super::value::{example, parentheses, rule, text, value_place};
use super::{end_of_item, setting, skip_item, twice, unreadable};
use crate::errors::{Errors, Mistake, wrong};
use crate::model::LoginArgs;
use crate::vocabulary::{nearest, quoted_list};

/// Every key, in alphabetical order.
pub(super) const KEYS: &[&str] = &["account", "attempts", "lock", "password"];

pub(super) fn login(
    input: ParseStream<'_>,
    key: &Ident,
    errors: &mut Errors,
) -> Result<LoginArgs, Mistake> {
    let example = example("login");
    if !input.peek(Paren) {
        let wrong = wrong!("`login` is written with parentheses"; help: "write `{example}`");
        return Err(wrong.at(key.span()));
    }
    let (_, content) = parentheses(input).map_err(unreadable)?;
    if content.is_empty() {
        let wrong = wrong!("`login()` says nothing"; help: "write `{example}`");
        return Err(wrong.at(key.span()));
    }
    let mut args = LoginArgs::default();
    let mut seen = Vec::new();
    while !content.is_empty() {
        if !has_key(&content) {
            let wrong = wrong!("expected a key in `login(..)`"; help: "write `{example}`");
            errors.push(wrong.at(value_place(&content)));
            args.unread = true;
            // Without one key there is rarely another, and this is said once.
            let _rest: Option<TokenStream> = content.parse().ok();
            break;
        }
        let outcome = item(&content, &mut args, &mut seen).and_then(|()| end_of_item(&content));
        if errors.note(outcome).is_none() {
            args.unread = true;
            skip_item(&content);
        }
        let _comma: Option<Token![,]> = content.parse().ok();
    }
    Ok(args)
}

/// Whether what comes next is a key, or a word where one should be.
fn has_key(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    match ahead.call(Ident::parse_any) {
        Ok(word) => KEYS.iter().any(|key| word == key) || ahead.peek(Token![=]),
        Err(_) => false,
    }
}

fn item(
    input: ParseStream<'_>,
    args: &mut LoginArgs,
    seen: &mut Vec<Ident>,
) -> Result<(), Mistake> {
    let key = Ident::parse_any(input).map_err(unreadable)?;
    let name = key.to_string();
    if !KEYS.contains(&name.as_str()) {
        let keys = quoted_list(KEYS.iter().copied());
        let wrong = match nearest(&name, KEYS.iter().copied()) {
            Some(near) => wrong!(
                "unknown key `{name}` in `login(..)`";
                help: "did you mean `{near}`? the keys are {keys}"
            ),
            None => wrong!("unknown key `{name}` in `login(..)`"; help: "the keys are {keys}"),
        };
        return Err(wrong.at(key.span()));
    }
    if seen.contains(&key) {
        return Err(twice(&name).at(key.span()));
    }
    seen.push(key.clone());
    match name.as_str() {
        "account" => args.account = Some(setting(&key, rule(input, &key)?)),
        "attempts" => args.attempts = Some(setting(&key, text(input, &key)?)),
        "lock" => args.lock = Some(setting(&key, text(input, &key)?)),
        // The only key left.
        _ => args.password = Some(setting(&key, rule(input, &key)?)),
    }
    Ok(())
}
