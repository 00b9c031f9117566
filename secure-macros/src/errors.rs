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
            text: self.text(),
        }
    }

    /// What the compiler prints; it aligns the second line below the first.
    pub(crate) fn text(&self) -> String {
        format!("{}\n= help: {}", self.what, self.help)
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

/// An item and what is wrong with it. There is always something wrong: whatever is printed here
/// is no guarded handler, and must not compile.
pub(crate) fn with_errors(item: TokenStream, outcome: Result<(), Vec<Mistake>>) -> TokenStream {
    let mut mistakes = outcome.err().unwrap_or_default();
    if mistakes.is_empty() {
        let wrong = wrong!("`#[secured]` found nothing to guard"; help: "put it on an `async fn`");
        mistakes.push(wrong.at(Span::call_site()));
    }
    let errors = mistakes.into_iter().map(Mistake::into_compile_error);
    quote!(#item #(#errors)*)
}
