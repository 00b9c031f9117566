//! `GET /.well-known/jwks.json`

use actix_web::{
    HttpResponse, Resource,
    dev::{AppService, HttpServiceFactory},
    guard,
    http::header,
};

use super::{guarded, per_minute, policy};
use crate::{
    policy::{Policy, Quota, RoutePattern},
    private::Call,
    response::Secured,
    routes::SecuredService,
};

const PATH: &str = "/.well-known/jwks.json";
const QUOTAS: &[Quota] = &[per_minute("600/min per ip", 600)];
pub(super) static POLICY: Policy = policy(
    "secure_runtime::tokens::JwksEndpoint",
    line!(),
    "public keys, for whoever verifies tokens",
    QUOTAS,
    0,
);

/// The public keys of the [`TokenIssuer`](super::TokenIssuer), as a JWK Set (RFC 7517):
/// `GET /.well-known/jwks.json`.
///
/// Whoever verifies may keep the answer for five minutes. So a new key is listed in the settings
/// at least that long before it signs.
#[derive(Clone, Copy, Debug)]
pub struct JwksEndpoint;

// Who forgot a policy has no use for a list of these.
#[diagnostic::do_not_recommend]
impl SecuredService for JwksEndpoint {
    const ROUTES: &'static [RoutePattern] = &[RoutePattern {
        path: PATH,
        method: "GET",
        has_guard: false,
    }];

    fn policy() -> &'static Policy {
        &POLICY
    }
}

impl HttpServiceFactory for JwksEndpoint {
    fn register(self, config: &mut AppService) {
        let resource = Resource::new(PATH).guard(guard::Get()).to(answer);
        resource.register(config);
    }
}

async fn answer(call: Call) -> Secured {
    guarded(call, &POLICY, async |admitted| {
        let issuer = admitted.security().token_issuer()?;
        Ok(HttpResponse::Ok()
            .content_type("application/jwk-set+json")
            .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
            .body(issuer.jwks().to_owned()))
    })
    .await
}
