//! The body of an answer to a request whose own body was not read.

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

/// The body of an answer, and the request's unread payload.
///
/// actix-http reads on, without limit, when the payload of a chunked upload is dropped; when it is
/// still owned at the end of the answer, it closes the connection.
pub(crate) struct RefusedBody {
    answer: BoxBody,
    /// Dropped after the answer was sent.
    _unread: Payload,
}

impl RefusedBody {
    pub(crate) fn new(answer: BoxBody, unread: Payload) -> Self {
        Self {
            answer,
            _unread: unread,
        }
    }
}

// INVARIANT: `try_into_bytes` keeps its default and the size is never `None`: either way actix-web
// would drop this value, and with it the payload, before the answer is sent.
impl MessageBody for RefusedBody {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        match self.answer.size() {
            BodySize::None => BodySize::Sized(0),
            size => size,
        }
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.answer).poll_next(context)
    }
}

impl fmt::Debug for RefusedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefusedBody")
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}
