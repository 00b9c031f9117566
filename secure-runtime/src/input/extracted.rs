//! Extractors that are not ours.

use std::ops::{Deref, DerefMut};

use actix_web::{FromRequest, dev::Payload, http::StatusCode};

use super::Unvalidated;
use crate::{
    admission::Admitted,
    policy::InputKind,
    rejection::{Refusal, Rejection},
};

/// A value that an actix-web extractor makes from the head of a request.
///
/// It runs after the caller was admitted and sees no body: an extractor that wants to read one
/// finds it empty. Nothing is validated by this crate, so the parameter is marked.
///
/// ```ignore
/// async fn handler(#[unvalidated] language: Extracted<AcceptedLanguage>) -> impl Responder { .. }
/// ```
#[derive(Clone, Debug)]
pub struct Extracted<T>(pub T);

impl<T> Extracted<T> {
    /// The value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Extracted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Extracted<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: FromRequest> Unvalidated for Extracted<T> {
    const KIND: InputKind = InputKind::HeadUnvalidated;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        match T::from_request(admitted.request(), &mut Payload::None).await {
            Ok(value) => Ok(Self(value)),
            Err(error) => Err(refuse(error.into())),
        }
    }
}

/// The extractor's own text is not passed on: it may hold what the client sent.
fn refuse(error: actix_web::Error) -> Rejection {
    let refusal = match error.as_response_error().status_code() {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Refusal::Forbidden,
        StatusCode::NOT_FOUND => Refusal::NotFound,
        StatusCode::SERVICE_UNAVAILABLE => Refusal::Undecided,
        status if status.is_client_error() => Refusal::HeadMalformed,
        _ => Refusal::NotConfigured,
    };
    Rejection::new(
        refusal,
        "an extractor of the application refused the request",
    )
}
