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
    error::{ErrorForbidden, ErrorTooManyRequests, ErrorUnauthorized, ErrorUnprocessableEntity},
    get,
    http::header::AUTHORIZATION,
    middleware::{Next, from_fn},
    post, web,
};
use actix_web_grants::authorities::{AttachAuthorities, AuthDetails, AuthoritiesCheck};
use garde::Validate;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use jsonwebtoken::{DecodingKey, Validation, decode};

use super::item::NewItem;
use crate::identity::{Claims, Verifier};

/// What the middleware ask.
pub struct Checks {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    tokens: Tokens,
}

/// What verifies tokens.
pub struct Tokens(DecodingKey, Validation);

const MILLION: NonZeroU32 = NonZeroU32::new(1_000_000).expect("it is not zero");

impl Checks {
    /// With a limit that is never reached.
    pub fn new(verifier: &Verifier) -> Self {
        Self {
            limiter: RateLimiter::keyed(Quota::per_second(MILLION)),
            tokens: Tokens::new(verifier),
        }
    }
}

impl Tokens {
    /// Of this issuer.
    pub fn new(verifier: &Verifier) -> Self {
        let (key, validation) = verifier.decoding();
        Self(key, validation)
    }

    /// What the token of a request says.
    ///
    /// # Errors
    ///
    /// There is none, or it is not valid.
    pub fn verify(&self, request: &ServiceRequest) -> Result<Claims, Error> {
        let field = request.headers().get(AUTHORIZATION);
        let token = field
            .and_then(|field| field.to_str().ok()?.strip_prefix("Bearer "))
            .map(str::to_owned)
            .ok_or_else(|| ErrorUnauthorized("no token"))?;
        let claims = decode::<Claims>(&token, &self.0, &self.1).map_err(ErrorUnauthorized)?;
        Ok(claims.claims)
    }
}

/// All routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config.service(read).service(write);
}

/// An app with these routes, behind the checks.
pub fn app(
    checks: web::Data<Checks>,
    routes: impl FnOnce(&mut web::ServiceConfig),
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

/// In place of actix-governor.
async fn limit(
    checks: web::Data<Checks>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let address = request.peer_addr().map(|address| address.ip());
    let address = address.ok_or_else(|| ErrorTooManyRequests("no address"))?;
    let admitted = checks.limiter.check_key(&address);
    admitted.map_err(|_| ErrorTooManyRequests("too many requests"))?;
    next.call(request).await
}

/// In place of actix-web-httpauth, with what one writes for it.
async fn bearer(
    checks: web::Data<Checks>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let claims = checks.tokens.verify(&request)?;
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
pub(crate) async fn read(caller: AuthDetails) -> Result<impl Responder, Error> {
    check_role(&caller)?;
    Ok("ok")
}

#[post("/items")]
pub(crate) async fn write(
    caller: AuthDetails,
    item: web::Json<NewItem>,
) -> Result<impl Responder, Error> {
    check_role(&caller)?;
    item.validate().map_err(ErrorUnprocessableEntity)?;
    Ok(HttpResponse::Ok().body("ok"))
}

/// The key may be a secret.
impl std::fmt::Debug for Checks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checks").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}
