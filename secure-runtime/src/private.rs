//! What the code that `#[secured]` writes calls. Not a public interface.

use std::{
    cell::Cell,
    convert::Infallible,
    future::{Ready, ready},
    marker::PhantomData,
    rc::Rc,
};

use actix_web::{FromRequest, HttpRequest, Responder, dev::Payload};

pub use crate::{
    admission::Admitted,
    policy::{Access, AllowRule, InputKind, InputPolicy, Per, Policy, Quota, RoutePattern, Rule},
};
use crate::{
    authorization::IntoDecision,
    input::{Input, Unvalidated},
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

/// Turns the handler's output into its answer.
pub fn respond<R: Responder>(admitted: Admitted, output: R) -> impl Future<Output = Secured> {
    admitted.respond(output)
}

/// Lets the generated `Result` become the handler's answer.
impl From<Result<Secured, Refused>> for Secured {
    fn from(outcome: Result<Secured, Refused>) -> Self {
        outcome.unwrap_or_else(|Refused(answer)| answer)
    }
}

/// Asks the type system where the value of a parameter comes from: `Probe::<T, _>::KIND` is the
/// inherent constant if `T` is an input, and that of [`ProbeFallback`] otherwise.
#[derive(Debug)]
pub struct Probe<T, M>(PhantomData<(T, M)>);

impl<T: Input<M>, M> Probe<T, M> {
    /// Where a `T` comes from.
    pub const KIND: Option<InputKind> = Some(T::KIND);
}

/// The same for parameters marked `#[unvalidated]`.
#[derive(Debug)]
pub struct ProbeUnvalidated<T>(PhantomData<T>);

impl<T: Unvalidated> ProbeUnvalidated<T> {
    /// Where a `T` comes from.
    pub const KIND: Option<InputKind> = Some(T::KIND.unvalidated());
}

/// Of a type that is no input nothing is known; the bound on [`input`] blames it, and no check
/// may blame it a second time.
pub trait ProbeFallback {
    /// Nothing.
    const KIND: Option<InputKind> = None;
}

// With one marker only, so that the compiler can infer it.
impl<T> ProbeFallback for Probe<T, ()> {}
impl<T> ProbeFallback for ProbeUnvalidated<T> {}

/// The kind that is written into a policy.
pub const fn kind(probed: Option<InputKind>) -> InputKind {
    match probed {
        Some(kind) => kind,
        // Never seen at run time: the program does not compile.
        None => InputKind::Body,
    }
}

/// Stops the build with `message` if no parameter reads the body.
#[track_caller]
pub const fn check_takes_body(kinds: &[Option<InputKind>], message: &str) {
    let mut rest = kinds;
    while let [first, after @ ..] = rest {
        match first {
            Some(kind) if !kind.reads_body() => rest = after,
            _ => return,
        }
    }
    panic!("{}", message);
}

/// Stops the build with `message` if a parameter reads the body after an earlier one did.
#[track_caller]
pub const fn check_one_body(earlier: &[Option<InputKind>], this: Option<InputKind>, message: &str) {
    let mut rest = earlier;
    while let [first, after @ ..] = rest {
        if let (Some(first), Some(this)) = (first, this)
            && first.reads_body()
            && this.reads_body()
        {
            panic!("{}", message);
        }
        rest = after;
    }
}

/// Stops the build with `message` if a parameter is the caller.
#[track_caller]
pub const fn check_no_caller(kind: Option<InputKind>, message: &str) {
    if matches!(kind, Some(InputKind::Caller)) {
        panic!("{}", message);
    }
}
