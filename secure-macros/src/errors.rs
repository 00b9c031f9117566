//! Mistakes: what is wrong, how to mend it, and where it stands.

use proc_macro2::{Delimiter, Group, Literal, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};

/// Builds a [`Wrong`] from two format strings.
macro_rules! wrong {
    ($what:literal; help: $help:literal) => {
        $crate::errors::Wrong {
            what: format!($what),
            help: format!($help),
        }
    };
}
pub(crate) use wrong;

/// One thing that is wrong, without its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) what: String,
    pub(crate) help: String,
}

impl Wrong {
    pub(crate) fn at(self, place: impl Into<Place>) -> Mistake {
        Mistake {
            place: place.into(),
            text: format!("{}\n= help: {}", self.what, self.help),
        }
    }
}

/// From the first to the last token of what is underlined.
///
/// Two spans, because joining them is not possible on the stable compiler.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) start: Span,
    pub(crate) end: Span,
}

impl Place {
    pub(crate) fn of(tokens: &impl ToTokens) -> Self {
        let tokens = tokens.to_token_stream();
        let start = match tokens.clone().into_iter().next() {
            Some(TokenTree::Group(group)) => group.span_open(),
            Some(token) => token.span(),
            None => Span::call_site(),
        };
        let end = match tokens.into_iter().last() {
            Some(TokenTree::Group(group)) => group.span_close(),
            Some(token) => token.span(),
            None => Span::call_site(),
        };
        Self { start, end }
    }
}

impl From<Span> for Place {
    fn from(span: Span) -> Self {
        Self {
            start: span,
            end: span,
        }
    }
}

/// One thing that is wrong at one place.
#[derive(Debug)]
pub(crate) struct Mistake {
    place: Place,
    text: String,
}

impl Mistake {
    #[cfg(test)]
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    fn into_compile_error(self) -> TokenStream {
        let mut text = Literal::string(&self.text);
        text.set_span(self.place.end);
        let mut braces = Group::new(Delimiter::Brace, TokenTree::Literal(text).into());
        braces.set_span(self.place.end);
        let name = quote_spanned!(self.place.start=> ::core::compile_error!);
        quote!(#name #braces)
    }
}

/// Every mistake of one attribute and its function.
///
/// Whoever makes one has to ask for the outcome: mistakes that nobody looked at would let a
/// wrong policy compile, so that in debug builds dropping them unread panics.
#[derive(Debug)]
pub(crate) struct Errors {
    mistakes: Vec<Mistake>,
    finished: bool,
}

impl Errors {
    pub(crate) fn new() -> Self {
        Self {
            mistakes: Vec::new(),
            finished: false,
        }
    }

    pub(crate) fn push(&mut self, mistake: Mistake) {
        self.mistakes.push(mistake);
    }

    /// Notes the mistake of a failed step and goes on without its value.
    pub(crate) fn note<T>(&mut self, outcome: Result<T, Mistake>) -> Option<T> {
        outcome.map_err(|mistake| self.push(mistake)).ok()
    }

    pub(crate) fn finish(mut self) -> Result<(), Vec<Mistake>> {
        self.finished = true;
        let mistakes = std::mem::take(&mut self.mistakes);
        if mistakes.is_empty() {
            Ok(())
        } else {
            Err(mistakes)
        }
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        if cfg!(debug_assertions) && !self.finished && !std::thread::panicking() {
            panic!("mistakes were collected and nobody asked for them");
        }
    }
}

/// The only function that prints a function without a guard: it never does so without an error.
pub(crate) fn item_and_errors(item: TokenStream, mut mistakes: Vec<Mistake>) -> TokenStream {
    if mistakes.is_empty() {
        let wrong = wrong!(
            "`#[secured]` found nothing to guard";
            help: "put it on an `async fn`"
        );
        mistakes.push(wrong.at(Span::call_site()));
    }
    let errors = mistakes.into_iter().map(Mistake::into_compile_error);
    let item = without_our_attributes(item);
    quote!(#item #(#errors)*)
}

/// Takes out what only a working `#[secured]` understands, so that rustc does not complain
/// about it a second time.
fn without_our_attributes(item: TokenStream) -> TokenStream {
    let item = without_attribute(item, "secured");
    item.into_iter()
        .map(|token| match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis => {
                let inner = without_attribute(group.stream(), "unvalidated");
                let mut stripped = Group::new(Delimiter::Parenthesis, inner);
                stripped.set_span(group.span());
                TokenTree::Group(stripped)
            }
            other => other,
        })
        .collect()
}

fn without_attribute(tokens: TokenStream, name: &str) -> TokenStream {
    let mut kept = Vec::new();
    for token in tokens {
        let after_hash = matches!(kept.last(), Some(TokenTree::Punct(punct)) if punct.as_char() == '#');
        match &token {
            TokenTree::Group(group) if after_hash && attribute_is(group, name) => {
                kept.pop();
            }
            _ => kept.push(token),
        }
    }
    kept.into_iter().collect()
}

/// Whether the last segment of the attribute's path is `name`.
fn attribute_is(group: &Group, name: &str) -> bool {
    let path = group.stream().into_iter().take_while(|token| match token {
        TokenTree::Ident(_) => true,
        TokenTree::Punct(punct) => punct.as_char() == ':',
        _ => false,
    });
    group.delimiter() == Delimiter::Bracket
        && matches!(path.last(), Some(TokenTree::Ident(ident)) if ident == name)
}
