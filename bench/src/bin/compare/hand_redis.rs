//! The checks by hand, with the limit and what was revoked in Redis: a script and an `EXISTS` for each
//! request.

use actix_web::{
    App, Error,
    body::MessageBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    error::{ErrorServiceUnavailable, ErrorTooManyRequests, ErrorUnauthorized},
    middleware::{Next, from_fn},
    web,
};
use actix_web_grants::authorities::AttachAuthorities;
use redis::{aio::MultiplexedConnection, cmd};
use secure_bench::{
    Verifier,
    stacks::hand::{Tokens, routes},
};

use crate::limited::Script;

/// What the middleware ask.
pub(crate) struct Checks {
    tokens: Tokens,
    redis: MultiplexedConnection,
    script: Script,
}

impl Checks {
    pub(crate) fn new(verifier: &Verifier, redis: MultiplexedConnection, script: Script) -> Self {
        Self {
            tokens: Tokens::new(verifier),
            redis,
            script,
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
        .configure(routes)
        .wrap(from_fn(bearer))
        .wrap(from_fn(limit))
}

async fn limit(
    checks: web::Data<Checks>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let address = request.peer_addr().map(|address| address.ip());
    let address = address.ok_or_else(|| ErrorTooManyRequests("no address"))?;
    let key = format!("hand:{address}");
    let count = checks.script.count(&key, &mut checks.redis.clone()).await;
    if count.map_err(ErrorServiceUnavailable)? > 1_000_000_000 {
        return Err(ErrorTooManyRequests("too many requests"));
    }
    next.call(request).await
}

async fn bearer(
    checks: web::Data<Checks>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let claims = checks.tokens.verify(&request)?;
    let key = format!("revoked:{}:{}", claims.iss, claims.jti);
    let mut redis = checks.redis.clone();
    let asked = cmd("EXISTS").arg(key).query_async::<bool>(&mut redis).await;
    if asked.map_err(ErrorServiceUnavailable)? {
        return Err(ErrorUnauthorized("revoked"));
    }
    request.attach(claims.roles);
    next.call(request).await
}
