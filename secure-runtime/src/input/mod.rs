//! What a handler takes: read, decoded and validated after the caller was admitted.
//!
//! One source, one file, one shape: a function that turns the source into a value or a
//! [`Rejection`], and the [`Input`] and [`Unvalidated`] implementations that call it. Decoding is
//! strict in every file: what two readers could understand differently (a key that comes twice,
//! a percent sign without digits, bytes that are not UTF-8) is refused, and so is a field that
//! the type does not have. What is wrong is reported by JSON pointer and never repeats the value
//! that was sent, because it also goes to the log.

pub(crate) mod body;
mod caller;
mod content_type;
mod detail;
mod errors;
mod extracted;
mod form;
mod head;
mod json;
mod lent;
mod limited;
mod locate;
mod meter;
#[cfg(feature = "multipart")]
mod multipart;
mod names;
mod optional;

mod path;
mod pointer;
mod query;
mod raw;
#[cfg(test)]
mod tests;
pub(crate) mod until_sent;
mod urlencoded;
mod validation;

pub use self::{extracted::Extracted, validation::Validated};

use crate::{admission::Admitted, policy::InputKind, rejection::Rejection};

/// A type that a guarded handler can take as a parameter.
///
/// `M` is inferred and of no interest: it lets validated and plain types implement one trait.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of a guarded handler",
    label = "not an input",
    note = "take one of `web::Json`, `web::Query`, `web::Form`, `web::Path`, `web::Header`, `web::Data`, `Principal`, `Claims`, `HttpRequest`, ..",
    note = "an extractor of your own that reads no body is taken as `#[unvalidated] name: Extracted<{Self}>`"
)]
pub trait Input<M = ()>: Sized {
    /// Where the value comes from.
    const KIND: InputKind;

    /// Takes the value out of an admitted request.
    fn take(admitted: &mut Admitted) -> impl Future<Output = Result<Self, Rejection>>;

    /// Whether the request holds nothing from which the value could be made.
    fn is_absent(_admitted: &mut Admitted) -> impl Future<Output = bool> {
        std::future::ready(false)
    }

    /// Takes the value where a handler declares it as an `Option`.
    ///
    /// A value that is there and wrong is refused, never `None`.
    fn take_optional(
        admitted: &mut Admitted,
    ) -> impl Future<Output = Result<Option<Self>, Rejection>> {
        async move {
            if Self::is_absent(admitted).await {
                return Ok(None);
            }
            Self::take(admitted).await.map(Some)
        }
    }
}

/// A type that a handler can take as `#[unvalidated]`.
///
/// It is decoded as strictly as an [`Input`]; only the rules of its own type are not asked.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be taken without validation",
    label = "not decoded by a guarded handler",
    note = "`#[unvalidated]` stands before `web::Json`, `web::Query`, `web::Form`, `web::Path`, or `Extracted`"
)]
pub trait Unvalidated: Sized {
    /// Where the value comes from.
    const KIND: InputKind;

    /// Takes the value out of an admitted request, without validation.
    fn take(admitted: &mut Admitted) -> impl Future<Output = Result<Self, Rejection>>;

    /// Whether the request holds nothing from which the value could be made: an `Option` of it is
    /// then `None`.
    fn is_absent(_admitted: &mut Admitted) -> impl Future<Output = bool> {
        std::future::ready(false)
    }
}
