//! The request body under its limit and deadline.

use std::{fmt, mem, rc::Rc, time::Duration};

use actix_web::dev::Payload;
use bytes::Bytes;

use super::{lent::Loan, limited::Limited};
use crate::rejection::{Refusal, Rejection};

/// A request body: nothing of it is read until an input asks for it.
///
/// It keeps what was not read, so that a refusal can drain it or take it along.
#[derive(Default)]
pub(crate) struct Body {
    source: Source,
    #[cfg(feature = "multipart")]
    limit: u64,
    taken: bool,
}

#[derive(Default)]
enum Source {
    /// Nothing was sent, or everything was read.
    #[default]
    Finished,
    /// In a box: most requests have no body, and each is moved about with the room for one.
    Here(Box<Limited>),
    /// The handler reads it as a stream.
    Lent(Rc<Loan>),
}

impl Body {
    /// A body of which at most `limit` bytes are read, and none after `timeout` from now.
    pub(crate) fn new(payload: Payload, limit: u64, timeout: Duration) -> Self {
        let source = match payload {
            Payload::None => Source::Finished,
            payload => Source::Here(Box::new(Limited::new(payload, limit, timeout))),
        };
        Self {
            source,
            #[cfg(feature = "multipart")]
            limit,
            taken: false,
        }
    }

    /// Most bytes that are read.
    #[cfg(feature = "multipart")]
    pub(super) fn limit(&self) -> u64 {
        self.limit
    }

    /// Whether the request has no body. HTTP/2 does not tell before the first bytes were waited
    /// for; they are kept.
    pub(crate) async fn is_absent(&mut self) -> bool {
        if self.taken {
            return false;
        }
        match &mut self.source {
            Source::Finished => true,
            Source::Here(payload) => payload.is_empty().await,
            Source::Lent(_) => false,
        }
    }

    /// The whole body; empty if there is none.
    pub(crate) async fn read(&mut self) -> Result<Bytes, Rejection> {
        self.take()?;
        let Source::Here(payload) = &mut self.source else {
            return Ok(Bytes::new());
        };
        let read = payload.read_to_end().await;
        if payload.is_finished() {
            self.source = Source::Finished;
        }
        read.map_err(|cut| cut.reject())
    }

    /// The body as a stream under the same limit and deadline: it ends in
    /// [`PayloadError::Overflow`](actix_web::error::PayloadError::Overflow) or in an I/O error of
    /// kind `TimedOut`, and [`refusal`](Self::refusal) then knows why.
    pub(crate) fn take_stream(&mut self) -> Result<Payload, Rejection> {
        self.take()?;
        match mem::replace(&mut self.source, Source::Finished) {
            Source::Here(payload) => {
                let (loan, payload) = Loan::lend(payload);
                self.source = Source::Lent(loan);
                Ok(payload)
            }
            Source::Finished | Source::Lent(_) => Ok(Payload::None),
        }
    }

    /// The refusal that cut the body off, if one did: whatever a handler made of its stream's
    /// error, this is the answer.
    pub(crate) fn refusal(&self) -> Option<Rejection> {
        let cut = match &self.source {
            Source::Finished => None,
            Source::Here(payload) => payload.cut(),
            Source::Lent(loan) => loan.cut(),
        };
        cut.map(|cut| cut.reject())
    }

    /// Whether nothing is left that the client could still be sending.
    pub(crate) fn is_finished(&mut self) -> bool {
        self.reclaim();
        matches!(self.source, Source::Finished)
    }

    /// Reads and forgets the rest, within bounds; true if that was all of it. A connection whose
    /// body is finished can be used again.
    pub(crate) async fn drain(&mut self, max_bytes: usize, max_time: Duration) -> bool {
        if self.is_finished() {
            return true;
        }
        let finished = match &mut self.source {
            Source::Finished => true,
            Source::Here(payload) => tokio::time::timeout(max_time, payload.drain(max_bytes))
                .await
                .unwrap_or(false),
            Source::Lent(_) => false,
        };
        if finished {
            self.source = Source::Finished;
        }
        finished
    }

    /// What was not read, for an answer that must own it
    /// (see [`UntilSent`](super::until_sent::UntilSent)).
    pub(crate) fn take_remaining(&mut self) -> Option<Payload> {
        self.reclaim();
        match mem::replace(&mut self.source, Source::Finished) {
            Source::Here(payload) => Some(payload.into_payload()),
            Source::Finished => None,
            // Somebody still reads it and owns it.
            lent @ Source::Lent(_) => {
                self.source = lent;
                None
            }
        }
    }

    fn take(&mut self) -> Result<(), Rejection> {
        if mem::replace(&mut self.taken, true) {
            return Err(Rejection::new(
                Refusal::NotConfigured,
                "two parameters of the handler read the body",
            ));
        }
        Ok(())
    }

    fn reclaim(&mut self) {
        let returned = match &self.source {
            Source::Lent(loan) => loan.take_back(),
            Source::Finished | Source::Here(_) => None,
        };
        if let Some(payload) = returned {
            self.source = Source::Here(payload);
        }
        if matches!(&self.source, Source::Here(payload) if payload.is_finished()) {
            self.source = Source::Finished;
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("taken", &self.taken)
            .finish_non_exhaustive()
    }
}
