#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod attacks;
mod body;
mod head;
mod json;
mod leftover;
#[cfg(feature = "multipart")]
mod multipart;
mod optional;
mod path;
mod properties;
mod raw;
mod urlencoded;
mod validation;
mod wire;

use std::{cell::Cell, convert::Infallible, rc::Rc, time::Duration};

use actix_web::{dev::Payload, error::PayloadError, test::TestRequest};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};

use super::{Input, Unvalidated};
use crate::{
    admission::Admitted,
    policy::{Access, Policy},
    rejection::{InputError, Rejection},
    security::Security,
    settings::Settings,
};

const TIMEOUT: Duration = Duration::from_secs(10);

/// A request that was admitted to a public route.
async fn admit(request: TestRequest, payload: Payload, max_body: u64) -> Admitted {
    let policy = Box::leak(Box::new(Policy {
        handler: "test",
        file: file!(),
        line: line!(),
        access: Access::Public { reason: None },
        outage: crate::policy::Outage::Deny,
        quotas: &[],
        cost: 1,
        concurrency: None,
        priority: crate::policy::Priority::Normal,
        max_body,
        body_timeout: TIMEOUT,
        allow: None,
        login: None,
        inputs: &[],
    }));
    let mut settings = Settings::default();
    settings.danger.plaintext = true;
    let security = Security::builder().settings(settings).build().unwrap();
    let request = request.app_data(security).to_http_request();
    let mut admitted = Admitted::unjudged(policy, request, payload).unwrap_or_else(|_| panic!());
    admitted.judge().await.unwrap();
    admitted
}

/// A request with a small body that came with its head.
async fn with_body(content_type: &str, body: impl Into<Bytes>) -> Admitted {
    let request = TestRequest::post().insert_header(("content-type", content_type));
    admit(request, Payload::from(body.into()), 64_000).await
}

async fn take<T: Input<M>, M>(mut admitted: Admitted) -> Result<T, Rejection> {
    T::take(&mut admitted).await
}

async fn take_unvalidated<T: Unvalidated>(mut admitted: Admitted) -> Result<T, Rejection> {
    T::take(&mut admitted).await
}

/// Status, and the errors as `(pointer, detail)`.
fn told(rejection: &Rejection) -> (u16, Vec<(&str, &str)>) {
    let errors = rejection.errors().iter();
    (
        rejection.refusal().status().as_u16(),
        errors
            .map(
                |InputError {
                     pointer, detail, ..
                 }| (pointer.as_str(), detail.as_str()),
            )
            .collect(),
    )
}

/// A payload of these chunks, and the number of bytes that were taken out of it.
fn counted(chunks: impl IntoIterator<Item = Bytes> + 'static) -> (Payload, Rc<Cell<usize>>) {
    let count = Rc::new(Cell::new(0));
    let seen = Rc::clone(&count);
    let chunks = stream::iter(chunks).inspect(move |chunk| seen.set(seen.get() + chunk.len()));
    (payload(chunks.map(Ok::<_, Infallible>)), count)
}

/// One byte each second, on a clock that does not wait.
fn trickled(bytes: &'static [u8]) -> Payload {
    payload(stream::iter(bytes.chunks(1)).then(|byte| async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok::<_, Infallible>(Bytes::from_static(byte))
    }))
}

fn payload<E>(chunks: impl Stream<Item = Result<Bytes, E>> + 'static) -> Payload {
    Payload::Stream {
        payload: Box::pin(chunks.map(|chunk| chunk.map_err(|_| PayloadError::EncodingCorrupted))),
    }
}
