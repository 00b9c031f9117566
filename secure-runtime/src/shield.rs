//! The outermost layer of an app: security fields on every response, and no response from a
//! handler that no policy guards.

use std::{
    future::{Ready, ready},
    rc::Rc,
    time::Duration,
};

use actix_web::{
    HttpRequest, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
    http::{
        StatusCode, Version,
        header::{self, HeaderName, HeaderValue},
    },
    web::Payload,
};
use futures_util::future::LocalBoxFuture;

use crate::{
    input::body::Body,
    manifest::MethodTable,
    rejection::{Refusal, Rejection},
    response::{self, Guarded, Secured},
    security::{DEFAULT_REALM, Security},
};

/// More than any browser sends, with each cookie in a field of its own.
const MAX_FIELDS: usize = 256;

/// What actix takes over HTTP/1.1.
const MAX_HEAD_BYTES: usize = 128 << 10;

/// Middleware made by [`Security::shield`].
///
/// Add it last but for CORS, so that it is the outermost layer but for CORS: a response that was
/// made inside it without a policy, by a middleware of yours for example, is refused.
#[derive(Clone, Debug)]
pub struct Shield(Security);

impl Shield {
    pub(crate) fn new(security: Security) -> Self {
        Self(security)
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
        ready(Ok(ShieldService {
            security: self.0.clone(),
            service: Rc::new(service),
        }))
    }
}

/// See [`Shield`].
#[derive(Debug)]
pub struct ShieldService<S> {
    security: Security,
    service: Rc<S>,
}

impl<S, B> Service<ServiceRequest> for ShieldService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = actix_web::Error;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Self::Error>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let security = self.security.clone();
        let secure = request.app_config().secure();
        if is_too_large(&request) {
            let rejection = Rejection::new(Refusal::HeadTooLarge, "the header fields over HTTP/2");
            let mut response = request.into_response(rejection.respond(security.realm()));
            add_fields(response.headers_mut(), secure);
            return Box::pin(ready(Ok(response)));
        }
        let answer = self.service.call(request);
        Box::pin(async move {
            let mut response = answer.await?.map_into_boxed_body();
            if response.response().extensions().get::<Guarded>().is_none() {
                let refusal = refuse(&response, &security);
                response = response.into_response(refusal);
            }
            add_fields(response.headers_mut(), secure);
            Ok(response)
        })
    }
}

/// Whether the head is larger than a request needs. actix bounds it over HTTP/1.1; over HTTP/2
/// the only bound is 16 MiB, which half a million indexed fields fill with a byte each on the wire
/// and fifty times that in memory, for as long as the request lives.
fn is_too_large(request: &ServiceRequest) -> bool {
    let headers = request.headers();
    let bytes = || {
        headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len())
    };
    request.version() == Version::HTTP_2
        && (headers.len() > MAX_FIELDS || bytes().sum::<usize>() > MAX_HEAD_BYTES)
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
        tracing::error!(
            target: "secure_runtime::audit",
            event = "sys_unguarded",
            pattern = request.match_pattern(),
            "a handler without `#[secured]` answered; its response was withheld",
        );
        Rejection::new(
            Refusal::Unguarded,
            "a handler without `#[secured]` answered",
        )
    };
    rejection.respond(security.realm())
}

/// The default service: answers where there is no route.
///
/// actix has one of its own, and reads on for ever where it drops a chunked body.
pub(crate) async fn no_route(request: HttpRequest, payload: Payload) -> Secured {
    let rejection = wrong_method(&request).unwrap_or_else(nothing_here);
    let realm = request
        .app_data::<Security>()
        .map_or(DEFAULT_REALM, Security::realm);
    let mut body = Body::new(payload.into_inner(), 0, Duration::ZERO);
    response::secure(rejection.respond(realm), &mut body).await
}

fn nothing_here() -> Rejection {
    Rejection::new(Refusal::NotFound, "no route")
}

/// The refusal of a request to a path that has routes for other methods only.
fn wrong_method(request: &HttpRequest) -> Option<Rejection> {
    let methods = request
        .app_data::<MethodTable>()?
        .methods_at(request.path());
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

/// Fields for the answers of an API (OWASP REST security; REQUIREMENTS T3, T5). What the handler
/// has set itself stands, but for HSTS, of which there must be exactly one.
fn add_fields(headers: &mut header::HeaderMap, secure: bool) {
    const FIELDS: [(HeaderName, HeaderValue); 7] = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("same-origin"),
        ),
        (
            HeaderName::from_static("permissions-policy"),
            HeaderValue::from_static(
                "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()",
            ),
        ),
        (
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    ];
    for (name, value) in FIELDS {
        if !headers.contains_key(&name) {
            headers.insert(name, value);
        }
    }
    if secure {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=63072000; includeSubDomains"),
        );
    } else {
        // Over plain HTTP the field must not be sent (RFC 6797 section 7.2).
        headers.remove(header::STRICT_TRANSPORT_SECURITY);
    }
}
