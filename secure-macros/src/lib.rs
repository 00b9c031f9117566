//! The `#[secured]` attribute of `secure-runtime`; use it from there.
//!
//! ```text
//! attribute tokens --parse.rs------> Args     \
//! policy.toml ------vocabulary.rs--> Vocabulary > --check.rs--> Policy --expand.rs--> tokens
//! function tokens --signature.rs---> Handler  /
//! ```
//!
//! Each arrow adds its mistakes to one `Errors`; the attribute expands to a
//! guarded handler only when there are none. This crate knows no HTTP: it writes constant data
//! and a fixed sequence of calls, and the runtime judges.

mod check;
mod errors;
mod expand;
mod model;
mod parse;
mod signature;
mod units;
mod vocabulary;

#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;

use errors::Errors;
use model::Policy;
use vocabulary::Source;

/// Guards an actix-web handler; documented in full as `secure_runtime::secured`.
#[proc_macro_attribute]
pub fn secured(
    attribute: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    secure(attribute.into(), item.into(), Source::of_this_crate()).into()
}

/// The whole program: parse, check, expand.
///
/// A mistake leaves a handler that refuses everything, and the errors: rustc goes on checking
/// types after them, and a handler without a guard or of another type would only bring on a
/// second wave of errors where it is registered.
fn secure(attribute: TokenStream, item: TokenStream, source: Source) -> TokenStream {
    let mut errors = Errors::new();
    let args = parse::attribute(attribute, &mut errors);
    let handler = signature::handler(item.clone(), &mut errors);
    let vocabulary = source.vocabulary(&mut errors);
    let policy = check::policy(&args, handler.as_ref(), vocabulary.as_ref(), &mut errors);
    match (errors.finish(), handler, policy) {
        (Ok(()), Some(handler), Some(policy)) => expand::guarded(&handler, &policy),
        (outcome, Some(handler), _) => {
            let policy = Policy::refusing(args.runtime.map(|runtime| runtime.value));
            errors::with_errors(expand::refusing(&handler, &policy), outcome)
        }
        (outcome, None, _) => errors::with_errors(item, outcome),
    }
}
