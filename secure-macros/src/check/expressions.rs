//! The expressions of `allow` and `login`: which parameters they name, and how they are written.

use proc_macro2::{Delimiter, LineColumn, TokenStream, TokenTree};
use quote::ToTokens;
use syn::Ident;

use super::Subject;
use crate::errors::{Errors, Place, wrong};
use crate::model::{Args, Setting};

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

pub(super) fn expressions_name_a_parameter(subject: &Subject<'_>, errors: &mut Errors) {
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

pub(super) fn expressions_name_no_part_of_a_pattern(subject: &Subject<'_>, errors: &mut Errors) {
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

/// Positions of the parameters that an expression names.
pub(super) fn named_parameters(subject: &Subject<'_>, expression: &TokenStream) -> Vec<usize> {
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
