//! The body of an answer to a request whose own body was not read.

use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    body::{BodySize, MessageBody},
    dev::Payload,
};
use bytes::Bytes;

/// Bytes to send, and the request's unread payload.
///
/// actix-http reads on, without limit, when the payload of a chunked upload is dropped; when it is
/// still owned at the end of the answer, it closes the connection.
pub(crate) struct RefusedBody {
    bytes: Bytes,
    /// Dropped after the answer was sent.
    _unread: Payload,
}

impl RefusedBody {
    pub(crate) fn new(bytes: Bytes, unread: Payload) -> Self {
        Self {
            bytes,
            _unread: unread,
        }
    }
}

// INVARIANT: `try_into_bytes` keeps its default and the size is never `None`: either way actix-web
// would drop this value, and with it the payload, before the answer is sent.
impl MessageBody for RefusedBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.bytes.len() as u64)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        if self.bytes.is_empty() {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(Ok(std::mem::take(&mut self.bytes))))
    }
}

impl fmt::Debug for RefusedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefusedBody")
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}
