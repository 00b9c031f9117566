//! Answers: the proof that a handler was guarded, refusals, and the fields of every response.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    body::{BodySize, BoxBody, MessageBody},
};
use futures_util::future::{Either, LocalBoxFuture, Ready, ready};

use crate::{
    audit,
    concurrency::Place,
    input::{body::Body, until_sent::UntilSent},
    policy::Policy,
    rejection::{ProtectionSpace, Refusal, Rejection},
    security::Security,
};

/// An unread body is drained up to here, so that the connection stays usable; beyond it the
/// connection is closed. Values: the cost of a small upload against the cost of a new connection.
const DRAIN_BYTES: usize = 64 * 1024;
const DRAIN_TIME: Duration = Duration::from_millis(200);

/// The answer of a guarded handler.
///
/// It cannot be made outside this crate, so a handler that returns it went through
/// `#[secured]`.
#[must_use]
pub struct Secured(HttpResponse);

/// Left in the extensions of a response that a policy has let through. They cannot be copied, so
/// that it is good for this response only, whatever a middleware keeps of it.
struct Guarded;

/// Whether a policy has let a response through.
pub(crate) fn is_guarded<B>(response: &HttpResponse<B>) -> bool {
    response.extensions().get::<Guarded>().is_some()
}

impl Responder for Secured {
    type Body = BoxBody;

    fn respond_to(mut self, _request: &HttpRequest) -> HttpResponse {
        self.0.extensions_mut().insert(Guarded);
        self.0
    }
}

impl std::fmt::Debug for Secured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Secured").field(&self.0.status()).finish()
    }
}

impl Secured {
    /// The answer to a request that was never made: see [`Call`](crate::private::Call).
    pub(crate) fn nothing() -> Self {
        Self(HttpResponse::new(Refusal::NotConfigured.status()))
    }
}

/// An answer on its way. It waits for nothing unless some of the request's body was not read;
/// that is rare, and in a box, so that not every request is as large as one that waits.
pub(crate) type Answer = Either<Ready<Secured>, LocalBoxFuture<'static, Secured>>;

/// Lets a handler's response go.
pub(crate) fn secure(response: HttpResponse, mut body: Body) -> Answer {
    if body.is_finished() {
        return Either::Left(ready(Secured(response)));
    }
    Either::Right(Box::pin(async move {
        Secured(close_over(response, &mut body).await)
    }))
}

/// The same for a response that no guarded handler made.
pub(crate) async fn let_pass(response: HttpResponse, body: &mut Body) -> HttpResponse {
    let mut response = close_over(response, body).await;
    response.extensions_mut().insert(Guarded);
    response
}

/// Refuses: the log says why, the caller learns what the table says.
pub(crate) fn refuse(
    rejection: Rejection,
    policy: &'static Policy,
    security: Option<&Security>,
    body: Body,
) -> Answer {
    let counted = security.map(|security| (security.floods(), security.clock()));
    audit::log(&rejection, policy, counted);
    let space = security.map_or(ProtectionSpace::UNNAMED, Security::protection_space);
    secure(rejection.respond(space), body)
}

/// Keeps the places of a request until its answer was sent.
pub(crate) fn keep(place: Place, response: HttpResponse) -> HttpResponse {
    if !takes_time(response.body().size()) {
        return response;
    }
    response.map_body(|_, inner| BoxBody::new(UntilSent::new(inner, place)))
}

/// Whether a body may still be on its way when the response has been handed over; what is
/// smaller fits into the buffers in between.
pub(crate) fn takes_time(size: BodySize) -> bool {
    match size {
        BodySize::None => false,
        BodySize::Sized(bytes) => bytes > 64 << 10,
        BodySize::Stream => true,
    }
}

/// What was not read of the body must not be read for ever: either little is left and is
/// drained, or the response takes the payload along, upon which the connection is closed.
async fn close_over(response: HttpResponse, body: &mut Body) -> HttpResponse {
    if body.drain(DRAIN_BYTES, DRAIN_TIME).await {
        return response;
    }
    match body.take_remaining() {
        None => response,
        Some(payload) => response.map_body(|_, inner| BoxBody::new(UntilSent::new(inner, payload))),
    }
}
