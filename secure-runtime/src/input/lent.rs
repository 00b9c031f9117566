//! A limited payload that a handler reads by itself.

use std::{
    cell::Cell,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::{dev::Payload, error::PayloadError};
use bytes::Bytes;
use futures_util::Stream;

use super::limited::{Cut, Limited};

/// What the owner of the body keeps of a payload that it lent to a handler.
#[derive(Default)]
pub(super) struct Loan {
    cut: Cell<Option<Cut>>,
    /// The payload comes back here when the handler drops it: a refused upload must stay owned
    /// until its answer is sent (see [`UntilSent`](super::until_sent::UntilSent)).
    returned: Cell<Option<Box<Limited>>>,
}

impl Loan {
    pub(super) fn lend(payload: Box<Limited>) -> (Rc<Self>, Payload) {
        let loan = Rc::new(Self::default());
        let lent = Lent {
            payload: Some(payload),
            loan: Rc::clone(&loan),
        };
        (
            loan,
            Payload::Stream {
                payload: Box::pin(lent),
            },
        )
    }

    pub(super) fn cut(&self) -> Option<Cut> {
        self.cut.get()
    }

    pub(super) fn take_back(&self) -> Option<Box<Limited>> {
        self.returned.take()
    }
}

struct Lent {
    /// Filled until it is dropped.
    payload: Option<Box<Limited>>,
    loan: Rc<Loan>,
}

impl Stream for Lent {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let lent = &mut *self;
        let Some(payload) = &mut lent.payload else {
            return Poll::Ready(None);
        };
        let chunk = payload.poll_chunk(cx);
        lent.loan.cut.set(payload.cut());
        chunk.map(|chunk| {
            chunk.map(|chunk| {
                chunk.map_err(|cut| match cut {
                    Cut::Broken => PayloadError::Incomplete(None),
                    Cut::TooLarge => PayloadError::Overflow,
                    Cut::TooSlow => PayloadError::Io(io::ErrorKind::TimedOut.into()),
                })
            })
        })
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.loan.returned.set(self.payload.take());
    }
}
