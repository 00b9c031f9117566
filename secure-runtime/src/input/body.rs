use crate::rejection::Rejection;
use actix_web::{body::*, dev::Payload};
use bytes::Bytes;
use std::{pin::Pin, task::*, time::Duration};
pub(crate) struct Body {
    payload: Payload,
}
impl Body {
    pub(crate) fn new(payload: Payload, _m: u64, _t: Duration) -> Self {
        Self { payload }
    }
    pub(crate) async fn drain(&mut self, _b: usize, _t: Duration) -> bool {
        true
    }
    pub(crate) fn take_remaining(&mut self) -> Option<Payload> {
        Some(self.payload.take())
    }
    pub(crate) fn broken(&self) -> Option<Rejection> {
        None
    }
}
pub(crate) struct OwnsPayload(BoxBody);
impl OwnsPayload {
    pub(crate) fn new(b: BoxBody, _p: Payload) -> Self {
        Self(b)
    }
}
impl MessageBody for OwnsPayload {
    type Error = Box<dyn std::error::Error>;
    fn size(&self) -> BodySize {
        self.0.size()
    }
    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.0).poll_next(cx)
    }
}
