//! Ready-made services over HTTP: the public keys, revocation, introspection.
//!
//! Each is guarded as a handler under `#[secured]` is, by a policy that is written here by hand:
//! the attribute would read the `policy.toml` of whoever compiles this crate. Clients authenticate
//! by a secret of their own rather than with an access token, so the policy says "public", and
//! the service asks for the secret before it reads anything of the body.

mod client;
mod introspection;
mod jwks;
mod oauth;
mod revocation;

use std::time::Duration;

use actix_web::HttpResponse;

pub(crate) use self::client::Clients;
pub use self::{
    introspection::IntrospectionEndpoint, jwks::JwksEndpoint, revocation::RevocationEndpoint,
};
use super::{RefreshToken, Session, TokenError, TokenIssuer};
use crate::{
    admission::Admitted,
    auth::{MAX_TOKEN_BYTES, Principal},
    policy::{
        Access, InputKind, InputPolicy, Outage, Per, Policy, Priority, Quota, Revocation, Sharing,
    },
    private::Call,
    rejection::{Refusal, Rejection},
    response::Secured,
    security::Security,
};

/// Holds a token of 8 KiB, escaped, and what little comes with it.
const MAX_BODY: u64 = 32 * 1024;
/// As `policy.toml` has it built in.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The policy of an endpoint.
const fn policy(
    handler: &'static str,
    line: u32,
    reason: &'static str,
    quotas: &'static [Quota],
    max_body: u64,
) -> Policy {
    Policy {
        handler,
        file: "secure-runtime",
        line,
        access: Access::Public {
            reason: Some(reason),
        },
        quotas,
        cost: 1,
        concurrency: None,
        priority: Priority::Normal,
        outage: Outage::Deny,
        login: None,
        max_body,
        body_timeout: BODY_TIMEOUT,
        allow: None,
        inputs: &[InputPolicy {
            name: "issuer",
            kind: InputKind::TokenIssuer,
        }],
    }
}

/// Requests of one address in a minute.
const fn per_minute(name: &'static str, limit: u32) -> Quota {
    Quota {
        name,
        limit,
        period_seconds: 60,
        burst: limit,
        per: Per::Ip,
        sharing: Sharing::Exact,
    }
}

/// Answers a call under a policy.
async fn guarded(
    call: Call,
    policy: &'static Policy,
    answer: impl AsyncFnOnce(&mut Admitted) -> Result<HttpResponse, Rejection>,
) -> Secured {
    let mut admission = call.admit(policy);
    let admitted = match admission.judged().await {
        Ok(admitted) => admitted,
        Err(refused) => return Secured::from(Err(refused)),
    };
    match answer(admitted).await {
        Ok(response) => admitted.respond(response).await,
        Err(rejection) => admitted.refuse(rejection).await,
    }
}

/// Whether `policy` is that of an endpoint that only clients of the settings may call.
pub(crate) fn asks_clients(policy: &'static Policy) -> bool {
    let is = |other| std::ptr::eq(policy, other);
    is(&revocation::POLICY) || is(&introspection::POLICY)
}

/// A token of this issuer, whatever a client called it.
enum Found {
    Access(Principal),
    Refresh(Box<Session>, u32),
}

impl TokenIssuer {
    /// Looks for a token among all that this issuer has issued. `None` for one that is not known,
    /// has expired or was revoked.
    async fn look_up(&self, token: &str, security: &Security) -> Result<Option<Found>, TokenError> {
        if let Some(presented) = self.0.minter.open(&RefreshToken::from(token)) {
            let Some(session) = self.0.sessions.find(presented.session).await? else {
                return Ok(None);
            };
            let is_good = session.proof.is(&presented.secret.proof())
                && self.0.revocations.now() < session.deadline(&self.0.limits)
                && !self.is_revoked(&session).await?;
            return Ok(is_good.then(|| Found::Refresh(Box::new(session), presented.generation)));
        }
        if token.len() > MAX_TOKEN_BYTES {
            return Ok(None);
        }
        let Some(caller) = security
            .authenticator()
            .ok()
            .and_then(|authenticator| authenticator.authenticate_token(token.as_bytes()).ok())
            .filter(|caller| caller.issuer() == self.0.issuer)
        else {
            return Ok(None);
        };
        const STRICTEST: Revocation = Revocation::Within(Duration::ZERO);
        let revocations = security.revocations();
        match revocations.judge(&caller, STRICTEST, Outage::Deny).await {
            Ok(()) => Ok(Some(Found::Access(caller))),
            Err(rejection) if rejection.refusal() == Refusal::CredentialsRevoked => Ok(None),
            Err(_) => Err(TokenError::Undecided),
        }
    }
}
