//! The request body under its limit and deadline.

use actix_web::dev::Payload;

/// A request body that has not been read yet.
pub(crate) struct Body {
    pub(crate) payload: Payload,
}
