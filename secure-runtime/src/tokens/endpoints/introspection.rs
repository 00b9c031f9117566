//! `POST /introspect`: a resource server asks what a token says (RFC 7662).

use actix_web::{
    HttpResponse, Resource,
    dev::{AppService, HttpServiceFactory},
    guard,
    http::StatusCode,
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{Found, MAX_BODY, client, guarded, oauth, per_minute, policy};
use crate::{
    admission::Admitted,
    auth::Principal,
    policy::{Policy, Quota, RoutePattern},
    private::Call,
    rejection::Rejection,
    response::Secured,
    routes::SecuredService,
    tokens::{TokenIssuer, session::Session},
};

const PATH: &str = "/introspect";
/// A resource server may ask for each of its requests.
const QUOTAS: &[Quota] = &[per_minute("6000/min per ip", 6000)];
pub(super) static POLICY: Policy = policy(
    "secure_runtime::tokens::IntrospectionEndpoint",
    line!(),
    "clients authenticate with their secret (RFC 7662)",
    QUOTAS,
    MAX_BODY,
);

/// Tells what a token says, and whether it is good (RFC 7662): `POST /introspect`.
///
/// A client of `[[clients]]` with `introspect = true` authenticates by HTTP Basic and sends the
/// form `token=..`. Of a token that is not good, for whatever reason, the answer is
/// `{"active":false}` and nothing else. No leeway is granted: who asks is told of an expiry when it
/// happens, and the answer is not to be cached.
#[derive(Clone, Copy, Debug)]
pub struct IntrospectionEndpoint;

// Who forgot a policy has no use for a list of these.
#[diagnostic::do_not_recommend]
impl SecuredService for IntrospectionEndpoint {
    const ROUTES: &'static [RoutePattern] = &[RoutePattern {
        path: PATH,
        method: "POST",
        has_guard: false,
    }];

    fn policy() -> &'static Policy {
        &POLICY
    }
}

impl HttpServiceFactory for IntrospectionEndpoint {
    fn register(self, config: &mut AppService) {
        let resource = Resource::new(PATH).guard(guard::Post()).to(answer);
        resource.register(config);
    }
}

async fn answer(call: Call) -> Secured {
    guarded(call, &POLICY, introspect).await
}

async fn introspect(admitted: &mut Admitted) -> Result<HttpResponse, Rejection> {
    let issuer = admitted.security().token_issuer()?.clone();
    let client = match client::authenticate(admitted)? {
        Ok(client) => client,
        Err(answer) => return Ok(answer),
    };
    if !client.introspect {
        return Ok(oauth::error(
            StatusCode::FORBIDDEN,
            "unauthorized_client",
            "the client may not introspect tokens",
        )
        .finish_json());
    }
    let request = match oauth::request(admitted).await? {
        Ok(request) => request,
        Err(answer) => return Ok(answer),
    };
    let token = request.token.expose_secret();
    let found = issuer.look_up(token, admitted.security()).await?;
    let said = match found {
        Some(Found::Access(caller)) => issuer.describe(&caller),
        Some(Found::Refresh(session, generation)) => issuer.describe_session(&session, generation),
        None => None,
    };
    Ok(oauth::answer(&said.unwrap_or(json!({ "active": false }))))
}

impl TokenIssuer {
    fn describe(&self, caller: &Principal) -> Option<Value> {
        let now = self.0.revocations.now();
        if now >= caller.expires_at_millis() {
            return None;
        }
        let scopes = caller.scopes().collect::<Vec<_>>();
        Some(json!({
            "active": true,
            "aud": self.0.audience,
            "client_id": caller.client_id(),
            "exp": caller.expires_at(),
            "iat": caller.issued_at(),
            "iss": self.0.issuer,
            "jti": caller.token_id(),
            "scope": scopes.join(" "),
            "sid": caller.session_id(),
            "sub": caller.subject(),
            "token_type": "Bearer",
        }))
    }

    /// A refresh token is good if presenting it now would be answered with tokens.
    fn describe_session(&self, session: &Session, generation: u32) -> Option<Value> {
        use crate::tokens::session::Outcome::{Retried, Rotated};

        let now = self.0.revocations.now();
        let limits = &self.0.limits;
        let outcome = session
            .clone()
            .present(generation, &session.proof, now, limits);
        matches!(outcome, Rotated | Retried).then(|| {
            json!({
                "active": true,
                "client_id": session.subject.client_id,
                "exp": session.deadline(limits) / 1000,
                "iat": session.renewed_at / 1000,
                "iss": self.0.issuer,
                "scope": session.subject.scopes.join(" "),
                "sid": session.id.to_string(),
                "sub": session.subject.name,
            })
        })
    }
}
