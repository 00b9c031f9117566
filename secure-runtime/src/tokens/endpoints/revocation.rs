//! `POST /revoke`: a client gives a token back (RFC 7009).

use actix_web::{
    HttpResponse, Resource,
    dev::{AppService, HttpServiceFactory},
    guard,
    http::StatusCode,
};
use secrecy::ExposeSecret;

use super::{Found, MAX_BODY, client, guarded, oauth, oauth::TokenRequest, per_minute, policy};
use crate::{
    admission::Admitted,
    policy::{Policy, Quota, RoutePattern},
    private::Call,
    rejection::Rejection,
    response::Secured,
    routes::SecuredService,
    tokens::{TokenError, TokenIssuer},
};

const PATH: &str = "/revoke";
const QUOTAS: &[Quota] = &[per_minute("600/min per ip", 600)];
pub(super) static POLICY: Policy = policy(
    "secure_runtime::tokens::RevocationEndpoint",
    line!(),
    "clients authenticate with their secret (RFC 7009)",
    QUOTAS,
    MAX_BODY,
);

/// Revokes a token for the client that it was issued to (RFC 7009): `POST /revoke`.
///
/// A client of `[[clients]]` authenticates by HTTP Basic and sends the form `token=..`. A refresh
/// token ends its session with all access tokens; an access token alone is revoked alone. A token
/// that is not known is 200 as well: it is of no use either. `token_type_hint` is not needed,
/// because each kind has a form of its own; a hint of a kind that is not issued here, with a token
/// that is not either, is `unsupported_token_type`.
#[derive(Clone, Copy, Debug)]
pub struct RevocationEndpoint;

// Who forgot a policy has no use for a list of these.
#[diagnostic::do_not_recommend]
impl SecuredService for RevocationEndpoint {
    const ROUTES: &'static [RoutePattern] = &[RoutePattern {
        path: PATH,
        method: "POST",
        has_guard: false,
    }];

    fn policy() -> &'static Policy {
        &POLICY
    }
}

impl HttpServiceFactory for RevocationEndpoint {
    fn register(self, config: &mut AppService) {
        let resource = Resource::new(PATH).guard(guard::Post()).to(answer);
        resource.register(config);
    }
}

async fn answer(call: Call) -> Secured {
    guarded(call, &POLICY, revoke).await
}

async fn revoke(admitted: &mut Admitted) -> Result<HttpResponse, Rejection> {
    let issuer = admitted.security().token_issuer()?.clone();
    let client = match client::authenticate(admitted)? {
        Ok(client) => client,
        Err(answer) => return Ok(answer),
    };
    let request = match oauth::request(admitted).await? {
        Ok(request) => request,
        Err(answer) => return Ok(answer),
    };
    let token = request.token.expose_secret();
    let found = issuer.look_up(token, admitted.security()).await?;
    let Some(found) = found else {
        return Ok(unknown(&request));
    };
    if found.client_id() != Some(&*client.id) {
        return Ok(oauth::error(
            StatusCode::BAD_REQUEST,
            "unauthorized_client",
            "the token was issued to another client",
        )
        .finish_json());
    }
    issuer.give_back(found).await?;
    Ok(HttpResponse::Ok().finish())
}

/// The answer about a token that is not, or no longer, good.
fn unknown(request: &TokenRequest) -> HttpResponse {
    match request.token_type_hint.as_deref() {
        None | Some("access_token" | "refresh_token") => HttpResponse::Ok().finish(),
        Some(_) => oauth::error(
            StatusCode::BAD_REQUEST,
            "unsupported_token_type",
            "only access tokens and refresh tokens are issued here",
        )
        .finish_json(),
    }
}

impl Found {
    fn client_id(&self) -> Option<&str> {
        match self {
            Self::Access(caller) => caller.client_id(),
            Self::Refresh(session, _) => Some(&session.subject.client_id),
        }
    }
}

impl TokenIssuer {
    async fn give_back(&self, found: Found) -> Result<(), TokenError> {
        match found {
            Found::Access(caller) => {
                let session = caller.session_id();
                tracing::info!(target: super::super::AUDIT, event = "authn_token_revoked", session, reason = "given back");
                Ok(self.0.revocations.revoke(&caller).await?)
            }
            Found::Refresh(session, _) => {
                let subject = &session.subject.name;
                self.end(session.id, subject, "given back").await
            }
        }
    }
}
