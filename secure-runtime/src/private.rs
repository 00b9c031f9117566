//! What the code that `#[secured]` writes calls. Not a public interface.

use std::{
    cell::Cell,
    convert::Infallible,
    future::{self, Ready},
    marker::PhantomData,
    ops::Deref,
    rc::Rc,
};

use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder, dev::Payload};
use futures_util::future::LocalBoxFuture;
use secrecy::zeroize::Zeroizing;

pub use crate::{
    admission::Admitted,
    policy::{
        Access, AllowRule, InputKind, InputPolicy, LoginRule, Outage, Per, Policy, Priority, Quota,
        Revocation, RoutePattern, Rule, Sharing,
    },
};
use crate::{
    authorization::{Decision, IntoDecision},
    input::{Input, Unvalidated},
    rejection::Rejection,
    response::Secured,
    routes::Impossible,
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

/// A request that is about to be judged. It stays where it is until it was answered: it is large,
/// and each move costs as much as a check.
pub struct Admission(Result<Admitted, LocalBoxFuture<'static, Secured>>);

impl std::fmt::Debug for Admission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admission").finish_non_exhaustive()
    }
}

/// A refusal, ready to be sent.
#[derive(Debug)]
pub struct Refused(Secured);

impl FromRequest for Call {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        future::ready(Ok(Self(Purpose::Answer {
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

    /// The request, and the policy by which it is to be judged.
    pub fn admit(self, policy: &'static Policy) -> Admission {
        Admission(match self.0 {
            Purpose::Answer { request, payload } => Admitted::unjudged(policy, request, payload),
            Purpose::Describe(wanted) => {
                wanted.set(Some(policy));
                Err(Box::pin(future::ready(Secured::nothing())))
            }
        })
    }
}

impl Admission {
    /// Judges the request.
    pub async fn judged(&mut self) -> Result<&mut Admitted, Refused> {
        match &mut self.0 {
            Ok(unjudged) => match unjudged.judge().await {
                Ok(()) => Ok(unjudged),
                Err(answer) => Err(Refused(answer)),
            },
            Err(answer) => Err(Refused(answer.await)),
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

/// Asks the type system about the type of a parameter: `Probe::<T, _>::KIND` is the inherent
/// constant if `T` is an input, and that of [`ProbeFallback`] otherwise; so is `take`.
#[derive(Debug)]
pub struct Probe<T, M>(PhantomData<(T, M)>);

impl<T: Input<M>, M> Probe<T, M> {
    /// Where a `T` comes from.
    pub const KIND: Option<InputKind> = Some(T::KIND);

    /// Takes a `T` out of an admitted request.
    pub async fn take(admitted: &mut Admitted) -> Result<T, Refused> {
        match T::take(admitted).await {
            Ok(value) => Ok(value),
            Err(rejection) => Err(Refused(admitted.refuse(rejection).await)),
        }
    }
}

/// The same for parameters marked `#[unvalidated]`.
#[derive(Debug)]
pub struct ProbeUnvalidated<T>(PhantomData<T>);

impl<T: Unvalidated> ProbeUnvalidated<T> {
    /// Where a `T` comes from.
    pub const KIND: Option<InputKind> = Some(T::KIND.unvalidated());

    /// Takes a `T` out of an admitted request, without validation.
    pub async fn take(admitted: &mut Admitted) -> Result<T, Refused> {
        match T::take(admitted).await {
            Ok(value) => Ok(value),
            Err(rejection) => Err(Refused(admitted.refuse(rejection).await)),
        }
    }
}

/// Of a type that is no input nothing is known, and it is never taken. The bound on [`input`]
/// blames it, and nothing else may: one mistake, one error.
pub trait ProbeFallback {
    /// The type.
    type Value;

    /// Nothing.
    const KIND: Option<InputKind> = None;

    /// Never ends; the program does not compile.
    fn take(_: &mut Admitted) -> std::future::Pending<Result<Self::Value, Refused>> {
        std::future::pending()
    }
}

// With one marker only, so that the compiler can infer it.
impl<T> ProbeFallback for Probe<T, ()> {
    type Value = T;
}

impl<T> ProbeFallback for ProbeUnvalidated<T> {
    type Value = T;
}

/// Blames a type that cannot be a parameter.
pub const fn input<T: Input<M>, M>() {}

/// Blames a type that cannot be a parameter marked `#[unvalidated]`.
pub const fn unvalidated<T: Unvalidated>() {}

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

/// What the expression of `allow` gives; not `async`, because a bound that fails on an `async fn`
/// is reported twice.
pub fn decision<D: IntoDecision>(decision: D) -> Result<Decision, Rejection> {
    decision.into_decision()
}

/// Enforces the attribute's `allow`.
pub async fn allow(
    admitted: &mut Admitted,
    decision: Result<Decision, Rejection>,
) -> Result<(), Refused> {
    match admitted.allow(decision) {
        Ok(()) => Ok(()),
        Err(rejection) => Err(Refused(admitted.refuse(rejection).await)),
    }
}

/// The name of an account, or a password, on its way to what counts attempts; wiped when dropped.
pub struct Identifier(Zeroizing<String>);

impl Deref for Identifier {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Identifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identifier")
    }
}

/// What `account` and `password` of `login` may be: text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot name an account or be a password",
    label = "not a text",
    note = "write an expression that is a `String` or a `&str`, as in `account = form.name`"
)]
pub trait Text<M> {
    /// The text.
    fn text(&self) -> &str;
}

/// Marks the one way to be a [`Text`].
#[derive(Debug)]
pub struct ByAsRef;

impl<T: AsRef<str> + ?Sized> Text<ByAsRef> for T {
    fn text(&self) -> &str {
        self.as_ref()
    }
}

/// A second candidate, as above.
impl<T: Impossible> Text<()> for T {
    fn text(&self) -> &str {
        ""
    }
}

/// Marks a password that is no text for anybody else.
#[cfg(feature = "passwords")]
#[derive(Debug)]
pub struct ByPassword;

/// One that is too long was refused as an input. Named by no help: its marker says nothing to users.
#[cfg(feature = "passwords")]
#[diagnostic::do_not_recommend]
impl Text<ByPassword> for crate::data::password::Password {
    fn text(&self) -> &str {
        self.text().unwrap_or_default()
    }
}

/// What the expressions of `login` give; not `async`, as above.
pub fn identifier<T: Text<M> + ?Sized, M>(value: &T) -> Identifier {
    Identifier(Zeroizing::new(value.text().to_owned()))
}

/// Enforces the attribute's `login`, before the handler.
pub async fn login(
    admitted: &mut Admitted,
    account: Identifier,
    password: Option<Identifier>,
) -> Result<(), Refused> {
    match admitted.begin_login(account, password).await {
        Ok(()) => Ok(()),
        Err(rejection) => Err(Refused(admitted.refuse(rejection).await)),
    }
}

/// Turns the handler's output into a response; not `async`, as above.
pub fn response<O: Output<M>, M>(admitted: &Admitted, output: O) -> HttpResponse {
    output.into_response(admitted.request())
}

/// What a handler may return: what actix-web can answer with.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the answer of a guarded handler",
    label = "not a `Responder`",
    note = "return an `HttpResponse`, a `web::Json`, a text, `impl Responder`, or a `Result` of one of these whose error implements `ResponseError`"
)]
pub trait Output<M> {
    /// The answer to a request.
    fn into_response(self, request: &HttpRequest) -> HttpResponse;
}

/// Marks the one way to be an [`Output`].
#[derive(Debug)]
pub struct ByResponder;

impl<R: Responder> Output<ByResponder> for R {
    fn into_response(self, request: &HttpRequest) -> HttpResponse {
        self.respond_to(request).map_into_boxed_body()
    }
}

/// A second candidate, as for [`SecuredHandler`](crate::SecuredHandler), without which the
/// compiler would name actix's trait.
impl<R: Impossible> Output<()> for R {
    fn into_response(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::InternalServerError().finish()
    }
}

/// Sends the response, with the fields that the policy adds.
pub fn respond(
    admitted: &mut Admitted,
    response: HttpResponse,
) -> impl Future<Output = Secured> + use<> {
    admitted.respond(response)
}

impl From<Result<Secured, Refused>> for Secured {
    fn from(outcome: Result<Secured, Refused>) -> Self {
        outcome.unwrap_or_else(|Refused(answer)| answer)
    }
}
