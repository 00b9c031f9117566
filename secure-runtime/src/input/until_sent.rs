//! The body of an answer that keeps something until it was sent.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use bytes::Bytes;

/// The body of an answer, and something that is dropped when it was sent.
///
/// That is an unread payload: actix-http reads on, without limit, when the payload of a chunked
/// upload is dropped; when it is still owned at the end of the answer, it closes the connection.
pub(crate) struct UntilSent<T> {
    answer: BoxBody,
    _kept: T,
}

impl<T> UntilSent<T> {
    pub(crate) fn new(answer: BoxBody, kept: T) -> Self {
        Self {
            answer,
            _kept: kept,
        }
    }
}

// INVARIANT: `try_into_bytes` keeps its default and the size is never `None`: either way actix-web
// would drop this value, and with it what is kept, before the answer is sent.
impl<T: Unpin> MessageBody for UntilSent<T> {
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

impl<T> fmt::Debug for UntilSent<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UntilSent")
            .field("size", &self.answer.size())
            .finish_non_exhaustive()
    }
}
