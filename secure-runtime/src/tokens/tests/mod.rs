//! The issuer, its sessions and their tokens, under a clock that is moved by hand.

mod access;
mod keys;
mod model;
#[cfg(feature = "redis")]
mod redis;
mod refresh;
mod rotation;
mod sessions;

use std::time::Duration;

use serde_json::Value;

use super::*;
use crate::{
    clock::{Clock, ClockHand},
    security::Security,
    settings::{Settings, TokenIssuerSettings},
    testing,
};

pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An issuer, and the service that takes its tokens.
pub(super) struct Rig {
    pub(super) issuer: TokenIssuer,
    pub(super) security: Security,
    pub(super) clock: Clock,
    pub(super) hand: ClockHand,
}

pub(super) fn rig() -> Rig {
    rig_with(|_| {})
}

pub(super) fn rig_with(configure: impl FnOnce(&mut TokenIssuerSettings)) -> Rig {
    let mut issuer = testing::token_issuer();
    configure(&mut issuer);
    let settings = Settings {
        token_issuer: Some(issuer),
        ..Settings::default()
    };
    let (clock, hand) = Clock::manual();
    let security = Security::builder()
        .clock(clock.clone())
        .settings(settings)
        .build()
        .unwrap();
    Rig {
        issuer: security.token_issuer().unwrap().clone(),
        security,
        clock,
        hand,
    }
}

pub(super) fn ann() -> Subject {
    Subject::new("ann", "web")
}

impl Rig {
    pub(super) async fn open(&self) -> IssuedTokens {
        self.issuer.open_session(ann()).await.unwrap()
    }

    /// The caller that an access token stands for, as a guarded route sees it.
    pub(super) async fn caller(&self, tokens: &IssuedTokens) -> Result<Principal, Refusal> {
        let authenticator = self.security.authenticator().unwrap();
        let caller = authenticator
            .authenticate_token(tokens.access_token().as_bytes())
            .map_err(|rejection| rejection.refusal())?;
        let bound = Revocation::Within(Duration::from_secs(2));
        let revocations = self.security.revocations();
        let judged = revocations.judge(&caller, bound, Outage::Deny).await;
        judged.map_err(|rejection| rejection.refusal())?;
        Ok(caller)
    }

    pub(super) async fn is_good(&self, tokens: &IssuedTokens) -> bool {
        self.caller(tokens).await.is_ok()
    }
}

/// What stands in a token.
pub(super) fn parts(tokens: &IssuedTokens) -> [Value; 2] {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    let mut parts = tokens.access_token().split('.').map(|part| {
        let bytes = URL_SAFE_NO_PAD.decode(part).unwrap();
        serde_json::from_slice(&bytes).unwrap_or_default()
    });
    [parts.next().unwrap(), parts.next().unwrap()]
}

/// The kind of an error, for comparing.
pub(super) fn kind<T>(outcome: Result<T, TokenError>) -> &'static str {
    match outcome {
        Ok(_) => "ok",
        Err(TokenError::Expired) => "expired",
        Err(TokenError::Full { .. }) => "full",
        Err(TokenError::Invalid) => "invalid",
        Err(TokenError::Reused) => "reused",
        Err(TokenError::Revoked) => "revoked",
        Err(TokenError::Subject(_)) => "subject",
        Err(_) => "other",
    }
}
