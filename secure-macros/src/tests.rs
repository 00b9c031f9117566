//! Messages as tables, without a compiler run; the shape of the expansion; properties.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod attribute;
mod expansion;
mod factor;
mod load;
mod login;
mod names;
mod outage;
mod properties;
mod rates;
mod revocation;
mod rules;
mod signature;
mod units;
mod vocabulary;

use std::str::FromStr;

use proc_macro2::{TokenStream, TokenTree};

use crate::secure;
use crate::vocabulary::Source;

/// A vocabulary with something in every table that names are looked up in.
const VOCABULARY: &str = r#"[roles]
customer = []
support = ["customer"]
admin = ["support"]

[scopes]
"orders:read" = "see orders"
"orders:write" = "place and change orders"

[rates]
login = "5/15min per ip"
crowd = "7/min per user burst 9"
"#;

/// A handler with a plain parameter and one that is taken apart.
const HANDLER: &str = "async fn order(id: Path<u64>, Json(body): Json<Order>) -> R { }";

/// A handler that takes nothing.
const PLAIN: &str = "async fn order() -> R { }";

/// What goes in, and every error that has to come out, in its order: what is wrong, and the help.
type Row = (&'static str, &'static [(&'static str, &'static str)]);

/// Attributes on one item.
fn attributes(item: &str, policy: &'static str, rows: &[Row]) {
    for (attribute, errors) in rows {
        assert_errors(attribute, item, policy, errors);
    }
}

/// Items under one attribute.
fn items(attribute: &str, rows: &[Row]) {
    for (item, errors) in rows {
        assert_errors(attribute, item, VOCABULARY, errors);
    }
}

/// Contents of `policy.toml`.
fn policies(rows: &[Row]) {
    for (policy, errors) in rows {
        assert_errors("", PLAIN, policy, errors);
    }
}

/// There is no `policy.toml` where `policy` is empty.
fn assert_errors(attribute: &str, item: &str, policy: &'static str, errors: &[(&str, &str)]) {
    let source = match policy {
        "" => Source::Absent,
        text => Source::Text(text),
    };
    let found = messages(&expand(attribute, item, source));
    let errors = errors.iter();
    let expected: Vec<String> = errors
        .map(|(what, help)| format!("{what}\n= help: {help}"))
        .collect();
    assert_eq!(found, expected, "#[secured({attribute})] {item}\n{policy}");
}

/// The expansion of one attribute on one item.
fn expand(attribute: &str, item: &str, source: Source) -> TokenStream {
    let attribute = TokenStream::from_str(attribute).expect("an attribute of balanced tokens");
    let item = TokenStream::from_str(item).expect("an item of balanced tokens");
    secure(attribute, item, source)
}

/// The expansion of an attribute without mistakes.
fn good(attribute: &str, item: &str) -> TokenStream {
    let output = expand(attribute, item, Source::Text(VOCABULARY));
    assert_eq!(
        messages(&output),
        Vec::<String>::new(),
        "#[secured({attribute})] {item}"
    );
    output
}

/// The texts of the errors in an expansion.
fn messages(output: &TokenStream) -> Vec<String> {
    let tokens: Vec<TokenTree> = output.clone().into_iter().collect();
    let mut messages = Vec::new();
    for window in tokens.windows(3) {
        if let [TokenTree::Ident(name), _, TokenTree::Group(text)] = window
            && name == "compile_error"
        {
            let text: syn::LitStr = syn::parse2(text.stream()).expect("a message");
            messages.push(text.value());
        }
    }
    messages
}

/// Whether the text of an expansion contains another, whatever their spaces.
fn contains(whole: &TokenStream, part: &str) -> bool {
    let dense = |text: &str| text.split_whitespace().collect::<String>();
    dense(&whole.to_string()).contains(&dense(part))
}

/// Whether an expansion calls the user's function.
fn calls_the_handler(output: &TokenStream) -> bool {
    output.to_string().contains("__secured_handler")
}
