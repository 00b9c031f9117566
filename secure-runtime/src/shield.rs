//! The outermost layer of an app: nothing for clients that are banned, security fields on every
//! response, and no response from a handler that no policy guards.

mod fields;

use std::{
    future::{Ready, ready},
    pin::Pin,
    rc::Rc,
    task::{self, Context, Poll},
    time::Duration,
};

use actix_web::{
    HttpRequest, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{Extensions, Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
    error::InternalError,
    http::{
        StatusCode, Version,
        header::{self, HeaderValue},
    },
    web::Payload,
};
use futures_util::future::Either;
use pin_project_lite::pin_project;

use self::fields::add_fields;
use crate::{
    admission::{came_over_tls, client_address, peer},
    bans::Banned,
    connection::InFlight,
    input::{body::Body, until_sent::UntilSent},
    manifest::MethodTable,
    rejection::{ProtectionSpace, Refusal, Rejection},
    response::{self, Secured},
    security::Security,
};

/// More than any browser sends, with each cookie in a field of its own.
const MAX_FIELDS: usize = 256;

/// What actix takes over HTTP/1.1.
const MAX_HEAD_BYTES: usize = 128 << 10;

/// The longest target that can be told from others: what takes it apart counts in 16 bits. Over
/// HTTP/1.1 a longer one is malformed.
const MAX_TARGET_BYTES: usize = u16::MAX as usize - 1;

/// Middleware made by [`Security::shield`].
///
/// Add it last but for CORS, so that it is the outermost layer but for CORS: a response that was
/// made inside it without a policy, by a middleware of yours for example, is refused. A middleware
/// may change the status, the fields and the body of a guarded response, not empty its extensions:
/// that is where the shield looks for the mark of the policy.
#[derive(Clone, Debug)]
pub struct Shield(Security);

impl Security {
    /// The outermost layer of an app.
    pub fn shield(&self) -> Shield {
        Shield(self.clone())
    }
}

impl<S, B> Transform<S, ServiceRequest> for Shield
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = actix_web::Error;
    type Transform = ShieldService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        let mut data = Extensions::new();
        data.insert(Stands);
        ready(Ok(ShieldService {
            security: Rc::new(self.0.clone()),
            data: Rc::new(data),
            service,
        }))
    }
}

/// See [`Shield`].
#[derive(Debug)]
pub struct ShieldService<S> {
    security: Rc<Security>,
    /// What requests have in their data behind this shield.
    data: Rc<Extensions>,
    service: S,
}

/// In the data of a request before which a shield stands.
struct Stands;

/// Whether a shield stands before this request: it has held it against the list of bans.
pub(crate) fn stands_before(request: &HttpRequest) -> bool {
    request.app_data::<Stands>().is_some()
}

impl<S, B> Service<ServiceRequest> for ShieldService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = actix_web::Error;
    type Future = Either<Ready<Result<Self::Response, Self::Error>>, Shielded<S::Future>>;

    forward_ready!(service);

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        let secure = came_over_tls(&self.security, request.request());
        if let Err(banned) = judge(&self.security, request.request()) {
            let mut response = banned.answer(request);
            add_fields(response.headers_mut(), secure);
            return Either::Left(ready(Ok(response)));
        }
        let begun = bounded_head(&request).and_then(|()| InFlight::begin(request.request()));
        match begun {
            Ok(in_flight) => {
                request.add_data_container(Rc::clone(&self.data));
                Either::Right(Shielded {
                    security: Rc::clone(&self.security),
                    secure,
                    in_flight,
                    answer: self.service.call(request),
                })
            }
            Err(rejection) => {
                self.security
                    .bans()
                    .note_request(request.request(), rejection.refusal());
                let response = rejection.respond(self.security.protection_space());
                let mut response = request.into_response(response);
                add_fields(response.headers_mut(), secure);
                Either::Left(ready(Ok(response)))
            }
        }
    }
}

pin_project! {
    /// The answer of the inner service on its way through [`Shield`]. A future with a name, so
    /// that it needs no box.
    pub struct Shielded<F> {
        security: Rc<Security>,
        secure: bool,
        in_flight: Option<InFlight>,
        #[pin]
        answer: F,
    }
}

impl<F, B> Future for Shielded<F>
where
    F: Future<Output = Result<ServiceResponse<B>, actix_web::Error>>,
    B: MessageBody + 'static,
{
    type Output = Result<ServiceResponse<BoxBody>, actix_web::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = match task::ready!(this.answer.poll(context)) {
            Ok(response) => response.map_into_boxed_body(),
            // A layer inside this one failed: its text is its own, and no policy let it pass.
            Err(_) => {
                let mut response = unguarded(None).respond(this.security.protection_space());
                add_fields(response.headers_mut(), *this.secure);
                let error = InternalError::from_response(UNGUARDED, response);
                return Poll::Ready(Err(error.into()));
            }
        };
        if !response::is_guarded(response.response()) {
            let refusal = refuse(&response, this.security);
            response = response.into_response(refusal);
        }
        add_fields(response.headers_mut(), *this.secure);
        if let Some(in_flight) = this.in_flight.take()
            && response::takes_time(response.response().body().size())
        {
            response = response.map_body(|_, body| BoxBody::new(UntilSent::new(body, in_flight)));
        }
        Poll::Ready(Ok(response))
    }
}

impl<F> std::fmt::Debug for Shielded<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shielded").finish_non_exhaustive()
    }
}

/// Refuses a client that is banned, before its request is routed.
fn judge(security: &Security, request: &HttpRequest) -> Result<(), Banned> {
    let bans = security.bans();
    if bans.is_empty() {
        return Ok(());
    }
    bans.judge(peer(request), || client_address(security, request))
}

/// Refuses a head that is larger than a request needs. actix bounds it over HTTP/1.1; over HTTP/2
/// the only bound is 16 MiB, which half a million indexed fields fill with a byte each on the wire
/// and fifty times that in memory, for as long as the request lives. And a target of more than 64
/// KiB would find the route of another.
fn bounded_head(request: &ServiceRequest) -> Result<(), Rejection> {
    let headers = request.headers();
    let bytes = || {
        headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len())
    };
    let target = || {
        let target = request.uri().path_and_query();
        target.map_or(0, |target| target.as_str().len())
    };
    if request.version() == Version::HTTP_2
        && (headers.len() > MAX_FIELDS
            || target() > MAX_TARGET_BYTES
            || bytes().sum::<usize>() + target() > MAX_HEAD_BYTES)
    {
        return Err(Rejection::new(
            Refusal::HeadTooLarge,
            "the head over HTTP/2",
        ));
    }
    Ok(())
}

/// The answer in place of a response that no policy let through.
fn refuse(response: &ServiceResponse, security: &Security) -> HttpResponse {
    let request = response.request();
    let is_missing = matches!(
        response.status(),
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED
    );
    let rejection = if let Some(rejection) = wrong_method(request) {
        rejection
    } else if is_missing {
        nothing_here()
    } else {
        unguarded(request.match_pattern())
    };
    security.bans().note_request(request, rejection.refusal());
    rejection.respond(security.protection_space())
}

const UNGUARDED: &str = "a handler or a middleware without a policy answered";

fn unguarded(pattern: Option<String>) -> Rejection {
    tracing::error!(
        target: "secure_runtime::audit",
        event = Refusal::Unguarded.row().event,
        status = Refusal::Unguarded.status().as_u16(),
        pattern,
        reason = UNGUARDED,
        "a response was withheld: put `#[secured]` on its handler",
    );
    Rejection::new(Refusal::Unguarded, UNGUARDED)
}

/// The default service: answers where there is no route.
///
/// actix has one of its own, and reads on for ever where it drops a chunked body.
pub(crate) async fn no_route(request: HttpRequest, payload: Payload) -> Secured {
    let rejection = wrong_method(&request).unwrap_or_else(nothing_here);
    let security = request.app_data::<Security>();
    if let Some(security) = security {
        security.bans().note_request(&request, rejection.refusal());
    }
    let space = security.map_or(ProtectionSpace::UNNAMED, Security::protection_space);
    let body = Body::new(payload.into_inner(), 0, Duration::ZERO);
    response::secure(rejection.respond(space), body).await
}

fn nothing_here() -> Rejection {
    Rejection::new(Refusal::NotFound, "no route")
}

/// The refusal of a request to a path that has routes for other methods only.
fn wrong_method(request: &HttpRequest) -> Option<Rejection> {
    // As the router read it: with its escapes resolved.
    let path = request.match_info().as_str();
    let methods = request.app_data::<MethodTable>()?.methods_at(path);
    if methods.is_empty() || methods.contains(&request.method().as_str()) {
        return None;
    }
    let rejection = Rejection::new(Refusal::MethodNotAllowed, "no route for this method");
    // INVARIANT: methods are tokens (RFC 9110), so they are a field value; without the field
    // the refusal would still stand.
    Some(match HeaderValue::try_from(methods.join(", ")) {
        Ok(allow) => rejection.with_field(header::ALLOW, allow),
        Err(_) => rejection,
    })
}
