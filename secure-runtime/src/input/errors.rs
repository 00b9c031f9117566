//! The list of what is wrong with a request's input.

use super::{detail::Detail, pointer::Pointer};
use crate::rejection::{InputError, Refusal, Rejection};

/// Most errors that one answer lists.
pub(super) const MAX_ERRORS: usize = 32;

/// What is said of a field that the type does not have.
pub(super) const UNKNOWN_FIELD: &str = "not a known field";

/// A value that does not fit its type, as one [`InputError`].
pub(super) fn misfit(
    source: &'static str,
    path: &serde_path_to_error::Path,
    message: &str,
) -> InputError {
    let detail = Detail::of(message);
    let mut pointer = Pointer::from_path(path);
    if let Some(field) = &detail.field {
        pointer.push(field);
    }
    InputError {
        source,
        pointer: pointer.finish(),
        detail: detail.text,
    }
}

/// Input that was decoded and is not valid (422).
pub(super) fn invalid(errors: Vec<InputError>) -> Rejection {
    Rejection::new(
        Refusal::InputInvalid,
        "the input does not fit its type or its rules",
    )
    .with_errors(errors)
}

/// A field that the type does not have.
pub(super) fn unknown_field(source: &'static str, pointer: Pointer) -> InputError {
    InputError {
        source,
        pointer: pointer.finish(),
        detail: UNKNOWN_FIELD.to_owned(),
    }
}
