//! What the code that `#[secured]` writes calls. Not a public interface.

use std::{cell::Cell, convert::Infallible, rc::Rc};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use std::future::{Ready, ready};

pub use crate::admission::Admitted;
use crate::{
    authorization::IntoDecision,
    input::{Input, Unvalidated},
    policy::Policy,
    response::Secured,
};

/// A request on its way to a guarded handler, nothing of it judged or read.
#[derive(Debug)]
pub struct Call(Purpose);

enum Purpose {
    Answer {
        request: HttpRequest,
        payload: Payload,
    },
    /// Asks the handler for its policy: the only way to learn that of a function.
    Describe(Rc<Cell<Option<&'static Policy>>>),
}

/// A refusal, ready to be sent.
#[derive(Debug)]
pub struct Refused(Secured);

impl FromRequest for Call {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(Ok(Self(Purpose::Answer {
            request: request.clone(),
            payload: payload.take(),
        })))
    }
}

impl Call {
    /// A call that asks a handler for its policy.
    pub(crate) fn describe() -> (Self, Rc<Cell<Option<&'static Policy>>>) {
        let policy = Rc::new(Cell::new(None));
        (Self(Purpose::Describe(Rc::clone(&policy))), policy)
    }

    /// Judges the request.
    pub async fn admit(self, policy: &'static Policy) -> Result<Admitted, Refused> {
        match self.0 {
            Purpose::Answer { request, payload } => Admitted::new(policy, request, payload)
                .await
                .map_err(Refused),
            Purpose::Describe(wanted) => {
                wanted.set(Some(policy));
                Err(Refused(Secured::nothing()))
            }
        }
    }
}

impl std::fmt::Debug for Purpose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Answer { .. } => "Answer",
            Self::Describe(_) => "Describe",
        })
    }
}

/// Takes a parameter that is validated.
pub fn input<T, M>(admitted: &mut Admitted) -> impl Future<Output = Result<T, Refused>>
where
    T: Input<M>,
{
    async {
        match T::take(admitted).await {
            Ok(value) => Ok(value),
            Err(rejection) => Err(Refused(admitted.refuse(rejection).await)),
        }
    }
}

/// Takes a parameter marked `#[unvalidated]`.
pub fn unvalidated<T>(admitted: &mut Admitted) -> impl Future<Output = Result<T, Refused>>
where
    T: Unvalidated,
{
    async {
        match T::take(admitted).await {
            Ok(value) => Ok(value),
            Err(rejection) => Err(Refused(admitted.refuse(rejection).await)),
        }
    }
}

/// Enforces the attribute's `allow`.
pub async fn allow(admitted: &mut Admitted, decision: impl IntoDecision) -> Result<(), Refused> {
    match admitted.allow(decision.into_decision()) {
        Ok(()) => Ok(()),
        Err(rejection) => Err(Refused(admitted.refuse(rejection).await)),
    }
}
