//! What a careful engineer builds today: a limit for each address by governor, a token verified by
//! `jsonwebtoken` for each request, roles by actix-web-grants, input by garde.
//!
//! Two peers are written here by hand, because with them the workspace would be built with features
//! and versions that users do not get: actix-web-httpauth 0.8 brings a second base64, actix-governor
//! 0.10 the default features of governor (quanta, dashmap and with it another hashbrown).
//!
//! - actix-web-httpauth's `HttpAuthentication::bearer` clones two `Rc`, boxes its own future and that
//!   of the extraction, copies the token into a `String`, and calls what was given to it. [`bearer`]
//!   copies the token too, and has the boxes of `from_fn`.
//! - actix-governor's `Governor` takes the address, looks it up among those that are let through, calls
//!   `check_key` and puts the outcome into the extensions. [`limit`] takes the address and calls
//!   `check_key`.
//!
//! So this is not dearer than with the peers.

use std::{net::IpAddr, num::NonZeroU32};

use actix_web::{
    App, Error, HttpResponse, Responder,
    body::MessageBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    error::{
        ErrorForbidden, ErrorServiceUnavailable, ErrorTooManyRequests, ErrorUnauthorized,
        ErrorUnprocessableEntity,
    },
    get,
    http::header::AUTHORIZATION,
    middleware::{Next, from_fn},
    post, web,
};
use actix_web_grants::authorities::{AttachAuthorities, AuthDetails, AuthoritiesCheck};
use garde::Validate;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use jsonwebtoken::{DecodingKey, Validation, decode};
use redis::{aio::MultiplexedConnection, cmd};
use secure_bench::{Claims, Verifier};

use crate::{item::NewItem, limited::Script};

/// What the middleware ask.
pub(crate) struct Checks {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    token: (DecodingKey, Validation),
    redis: Option<(MultiplexedConnection, Script)>,
}

const MILLION: NonZeroU32 = NonZeroU32::new(1_000_000).expect("it is not zero");

impl Checks {
    pub(crate) fn new(verifier: &Verifier, redis: Option<(MultiplexedConnection, Script)>) -> Self {
        Self {
            limiter: RateLimiter::keyed(Quota::per_second(MILLION)),
            token: verifier.decoding(),
            redis,
        }
    }
}

pub(crate) fn app(
    checks: web::Data<Checks>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Response = ServiceResponse<impl MessageBody>,
        Config = (),
        InitError = (),
        Error = Error,
    >,
> {
    App::new()
        .app_data(checks)
        .service(read)
        .service(write)
        .wrap(from_fn(bearer))
        .wrap(from_fn(limit))
}

/// In place of actix-governor.
async fn limit(
    checks: web::Data<Checks>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let address = request.peer_addr().map(|address| address.ip());
    let address = address.ok_or_else(|| ErrorTooManyRequests("no address"))?;
    match &checks.redis {
        None => {
            let admitted = checks.limiter.check_key(&address);
            admitted.map_err(|_| ErrorTooManyRequests("too many requests"))?;
        }
        Some((redis, script)) => {
            let key = format!("hand:{address}");
            let count = script.count(&key, &mut redis.clone()).await;
            if count.map_err(ErrorServiceUnavailable)? > 1_000_000_000 {
                return Err(ErrorTooManyRequests("too many requests"));
            }
        }
    }
    next.call(request).await
}

/// In place of actix-web-httpauth, with what one writes for it.
async fn bearer(
    checks: web::Data<Checks>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let field = request.headers().get(AUTHORIZATION);
    let token = field
        .and_then(|field| field.to_str().ok()?.strip_prefix("Bearer "))
        .map(str::to_owned)
        .ok_or_else(|| ErrorUnauthorized("no token"))?;
    let (key, validation) = &checks.token;
    let claims = decode::<Claims>(&token, key, validation).map_err(ErrorUnauthorized)?;
    let claims = claims.claims;
    if let Some((redis, _)) = &checks.redis {
        let key = format!("revoked:{}:{}", claims.iss, claims.jti);
        let mut redis = redis.clone();
        let asked = cmd("EXISTS").arg(key).query_async::<bool>(&mut redis).await;
        if asked.map_err(ErrorServiceUnavailable)? {
            return Err(ErrorUnauthorized("revoked"));
        }
    }
    request.attach(claims.roles);
    next.call(request).await
}

/// What `#[protect(any("ADMIN", ..))]` would write into a handler.
fn check_role(caller: &AuthDetails) -> Result<(), Error> {
    match caller.has_any_authority(&["admin", "support", "customer"]) {
        true => Ok(()),
        false => Err(ErrorForbidden("not allowed")),
    }
}

#[get("/items")]
async fn read(caller: AuthDetails) -> Result<impl Responder, Error> {
    check_role(&caller)?;
    Ok("ok")
}

#[post("/items")]
async fn write(caller: AuthDetails, item: web::Json<NewItem>) -> Result<impl Responder, Error> {
    check_role(&caller)?;
    item.validate().map_err(ErrorUnprocessableEntity)?;
    Ok(HttpResponse::Ok().body("ok"))
}
