//! A payload that ends at a limit and at a deadline.

use std::{
    future::poll_fn,
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::{dev::Payload, error::PayloadError};
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use tokio::time::{Instant, Sleep};

use crate::rejection::{Refusal, Rejection};

/// The first buffer for a body of several chunks; it grows with what really arrives, so that a
/// client cannot reserve memory by announcing a length.
const FIRST_BUFFER: usize = 8 * 1024;

/// Why a body was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    Broken,
    TooLarge,
    TooSlow,
}

impl Cut {
    pub(super) fn reject(self) -> Rejection {
        match self {
            Self::Broken => Rejection::new(Refusal::BodyMalformed, "the body ended in an error"),
            Self::TooLarge => {
                Rejection::new(Refusal::BodyTooLarge, "the body exceeds the route's limit")
            }
            Self::TooSlow => Rejection::new(
                Refusal::BodyTimeout,
                "the body did not arrive before the route's deadline",
            ),
        }
    }
}

/// A payload of which at most so many bytes are read, until a point in time.
pub(super) struct Limited {
    payload: Payload,
    left: u64,
    /// `None` is a deadline beyond what the clock can tell.
    deadline: Option<Instant>,
    /// Made when the payload keeps us waiting a second time.
    timer: Option<Pin<Box<Sleep>>>,
    /// Whether it has kept us waiting.
    waited: bool,
    peeked: Option<Bytes>,
    ended: bool,
    cut: Option<Cut>,
}

impl Limited {
    pub(super) fn new(payload: Payload, limit: u64, timeout: Duration) -> Self {
        Self {
            payload,
            left: limit,
            deadline: Instant::now().checked_add(timeout),
            timer: None,
            waited: false,
            peeked: None,
            ended: false,
            cut: None,
        }
    }

    /// Whether nothing more can come out of the payload.
    pub(super) fn is_finished(&self) -> bool {
        self.ended || self.cut == Some(Cut::Broken)
    }

    pub(super) fn cut(&self) -> Option<Cut> {
        self.cut
    }

    pub(super) fn into_payload(self) -> Payload {
        self.payload
    }

    /// The next bytes; after a cut, the same cut for ever.
    pub(super) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Cut>>> {
        if let Some(cut) = self.cut {
            return Poll::Ready(Some(Err(cut)));
        }
        if let Some(chunk) = self.peeked.take() {
            return Poll::Ready(Some(Ok(chunk)));
        }
        if self.ended {
            return Poll::Ready(None);
        }
        let cut = match self.poll_payload(cx) {
            Poll::Ready(None) => {
                self.ended = true;
                return Poll::Ready(None);
            }
            Poll::Ready(Some(Ok(chunk))) => {
                match self
                    .left
                    .checked_sub(u64::try_from(chunk.len()).unwrap_or(u64::MAX))
                {
                    Some(left) => {
                        self.left = left;
                        return Poll::Ready(Some(Ok(chunk)));
                    }
                    None => Cut::TooLarge,
                }
            }
            // A user's middleware may have put its own limit around the payload.
            Poll::Ready(Some(Err(PayloadError::Overflow))) => Cut::TooLarge,
            Poll::Ready(Some(Err(_))) => Cut::Broken,
            Poll::Pending => {
                ready!(self.poll_deadline(cx));
                Cut::TooSlow
            }
        };
        self.cut = Some(cut);
        Poll::Ready(Some(Err(cut)))
    }

    /// Whether the payload is empty; what is read to find out is kept.
    pub(super) async fn is_empty(&mut self) -> bool {
        loop {
            match poll_fn(|cx| self.poll_chunk(cx)).await {
                None => return true,
                Some(Err(_)) => return false,
                Some(Ok(chunk)) if chunk.is_empty() => {}
                Some(Ok(chunk)) => {
                    self.peeked = Some(chunk);
                    return false;
                }
            }
        }
    }

    /// Everything up to the end. A body of one chunk is not copied.
    pub(super) async fn read_to_end(&mut self) -> Result<Bytes, Cut> {
        let Some(first) = self.chunk().await? else {
            return Ok(Bytes::new());
        };
        let Some(second) = self.chunk().await? else {
            return Ok(first);
        };
        let mut whole = BytesMut::with_capacity(FIRST_BUFFER.max(first.len() + second.len()));
        whole.extend_from_slice(&first);
        whole.extend_from_slice(&second);
        while let Some(chunk) = self.chunk().await? {
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    }

    /// Throws away what still comes, beyond the limit too; true if the payload ended.
    pub(super) async fn drain(&mut self, max_bytes: usize) -> bool {
        let mut left = max_bytes;
        while !self.is_finished() {
            match poll_fn(|cx| self.poll_payload(cx)).await {
                None | Some(Err(_)) => self.ended = true,
                Some(Ok(chunk)) => match left.checked_sub(chunk.len()) {
                    Some(less) => left = less,
                    None => return false,
                },
            }
        }
        true
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, Cut> {
        poll_fn(|cx| self.poll_chunk(cx)).await.transpose()
    }

    fn poll_payload(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, PayloadError>>> {
        Pin::new(&mut self.payload).poll_next(cx)
    }

    /// Ready at the deadline.
    ///
    /// actix-http calls a handler before it looks for the body in what it has received, and asks it
    /// again at once. So the first time we only see to it that somebody asks again: a body that came
    /// with its head needs no timer.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline else {
            return Poll::Pending;
        };
        if !mem::replace(&mut self.waited, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)))
            .as_mut()
            .poll(cx)
    }
}
