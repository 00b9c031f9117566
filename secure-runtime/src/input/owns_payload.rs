//! The body of an answer to a request whose own body was not read to its end.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    body::{BodySize, BoxBody, MessageBody},
    dev::Payload,
};
use bytes::Bytes;

/// An answer's body, and the request's unread payload.
///
/// actix-http reads on, without limit, when the payload of a chunked upload is dropped; when it is
/// still owned at the end of the answer, it closes the connection.
pub(crate) struct OwnsPayload {
    answer: BoxBody,
    /// Dropped after the answer was sent.
    _unread: Payload,
}

impl OwnsPayload {
    pub(crate) fn new(answer: BoxBody, unread: Payload) -> Self {
        Self {
            answer,
            _unread: unread,
        }
    }
}

// INVARIANT: `try_into_bytes` keeps its default, and the size is never `None`: either would make
// actix-web drop this value, and with it the payload, before the answer is sent.
impl MessageBody for OwnsPayload {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        match self.answer.size() {
            BodySize::None => BodySize::Sized(0),
            size => size,
        }
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.answer).poll_next(cx)
    }
}

impl fmt::Debug for OwnsPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnsPayload")
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}
