//! What a handler takes: read, decoded and validated after the caller was admitted.

pub(crate) mod body;

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

    /// Whether the request holds nothing from which the value could be made: an `Option` of it is
    /// then `None`. A value that is there and wrong is refused, never `None`.
    fn is_absent(_admitted: &Admitted) -> bool {
        false
    }
}

/// A type that a handler can take as `#[unvalidated]`.
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
}
