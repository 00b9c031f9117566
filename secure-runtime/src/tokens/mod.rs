//! Tokens that this service issues itself.
//!
//! A [`TokenIssuer`] turns a login that the application has checked into a session: a short-lived
//! access token (RFC 9068) that guarded routes take, and a refresh token that gets the next one.
//! `[token_issuer]` in the settings brings one about; a handler takes it as a parameter, and a
//! service with such a handler does not start without:
//!
//! ```
//! use actix_web::{HttpResponse, Responder, post, web};
//! use secure_runtime::{
//!     Principal, Rejection, TokenIssuer, secured,
//!     tokens::{IssuedTokens, RefreshToken, Subject},
//! };
//!
//! #[derive(serde::Deserialize, garde::Validate)]
//! struct Refresh {
//!     #[garde(skip)]
//!     refresh_token: RefreshToken,
//! }
//!
//! # async fn password_is_right() -> bool { true }
//! #[secured(public, rate = "5/min")]
//! #[post("/login")]
//! async fn login(issuer: TokenIssuer) -> Result<web::Json<IssuedTokens>, Rejection> {
//!     // .. once the application knows who it is:
//!     let ann = Subject::new("user-17", "web-shop").role("customer").authenticated_by("pwd");
//!     Ok(web::Json(issuer.open_session(ann).await?))
//! }
//!
//! #[secured(public, rate = "30/min")]
//! #[post("/refresh")]
//! async fn refresh(
//!     issuer: TokenIssuer,
//!     body: web::Json<Refresh>,
//! ) -> Result<web::Json<IssuedTokens>, Rejection> {
//!     Ok(web::Json(issuer.refresh(&body.refresh_token).await?))
//! }
//!
//! #[secured]
//! #[post("/logout")]
//! async fn logout(caller: Principal, issuer: TokenIssuer) -> Result<HttpResponse, Rejection> {
//!     issuer.end_session(&caller).await?;
//!     Ok(HttpResponse::NoContent().finish())
//! }
//! ```
//!
//! # Rotation, reuse and retries
//!
//! Each use of a refresh token spends it and gives the next one. A spent token that comes back was
//! copied: somebody else has it, and nobody can say who. So the session ends, for both, and its
//! access tokens are refused from then on (RFC 9700 section 4.14).
//!
//! A client whose answer was lost does the same thing for a better reason. So for
//! `token_issuer.retry_grace` (10 s), the token that was spent last gets the same next token once
//! more, and an access token of its own; nothing else changes, and the grace does not begin anew.
//! The same holds for two tabs that refresh at once: of any number of simultaneous uses one
//! rotates and the others are retries, and all have one and the same next token.
//!
//! What a thief gains from that: who presents a stolen token within the grace has the same next
//! token as its owner. There is no second branch. As soon as one of them has used that token and
//! the other uses it later than the grace, the session ends. A thief who keeps within seconds of
//! the owner at every single rotation is not noticed; `retry_grace = "0s"` leaves no such room, and
//! ends the session of every client whose answer was lost.
//!
//! # Times
//!
//! `iat` has milliseconds. A token that is issued right after its subject was revoked is good, one
//! from before is not, though both are of the same second, or even of the same millisecond.
//!
//! A refresh token is held against the list of revocations too: whatever has revoked the session,
//! its subject, client, issuer or everybody since it was opened ends it. Cut-offs of subjects,
//! clients, issuers and everybody are remembered for as long as a session can live. That of a
//! single session is not: end it with [`TokenIssuer::end_session`] or
//! [`TokenIssuer::end_session_of`] rather than with
//! [`RevocationList::revoke_session`](crate::RevocationList::revoke_session), which only refuses
//! its refresh tokens for `tokens.max_lifetime`.
//!
//! # Memory
//!
//! Sessions are kept in this process, at most `token_issuer.max_sessions` of them and
//! `max_sessions_per_subject` of one subject. They end with the process: clients log in again.
//!
//! With `[redis]` in the settings they are kept there, for every process of the service, and outlive
//! each of them; `token_issuer.refresh_secret_file` is then the secret that all make refresh tokens
//! with. Whose Redis does not answer gets 503 and keeps a good refresh token; where Redis has spent it
//! and only its answer was lost, for `retry_grace`, as any client whose answer was lost. A Redis that
//! loses sessions costs a login.
//!
//! # Endpoints
//!
//! [`JwksEndpoint`], [`RevocationEndpoint`] and [`IntrospectionEndpoint`] are guarded services that
//! are mounted as they are:
//!
//! ```
//! use secure_runtime::{
//!     Routes,
//!     tokens::{IntrospectionEndpoint, JwksEndpoint, RevocationEndpoint},
//! };
//!
//! fn routes(routes: &mut Routes) {
//!     routes.service(JwksEndpoint); // GET /.well-known/jwks.json
//!     routes.scope("/oauth", |oauth| {
//!         oauth.service(RevocationEndpoint); // POST /oauth/revoke
//!         oauth.service(IntrospectionEndpoint); // POST /oauth/introspect
//!     });
//! }
//! # assert_eq!(secure_runtime::Manifest::of(routes).routes().count(), 3);
//! ```

mod access;
mod endpoints;
mod error;
mod issued;
mod refresh;
mod session;
mod signing;
mod store;
mod subject;
#[cfg(test)]
mod tests;

use std::{fmt, num::NonZeroUsize, sync::Arc};

use secrecy::SecretSlice;

pub(crate) use self::endpoints::{Clients, asks_clients};
use self::{
    access::{AccessClaims, Issuance},
    refresh::{Minter, Secret, SessionId, token_id},
    session::{Limits, Outcome, Session},
    signing::SigningKeys,
    store::Sessions,
};
pub use self::{
    endpoints::{IntrospectionEndpoint, JwksEndpoint, RevocationEndpoint},
    error::TokenError,
    issued::IssuedTokens,
    refresh::RefreshToken,
    session::ActiveSession,
    subject::Subject,
};
#[cfg(feature = "redis")]
use crate::store::Server;
use crate::{
    auth::{self, Issuer, MAX_TOKEN_BYTES, Principal},
    error::Mistakes,
    policy::{Outage, Revocation},
    rejection::Refusal,
    revocation::RevocationList,
    settings::TokenIssuerSettings,
};

/// Most sessions, unless configured: some hundred bytes each.
pub(crate) const DEFAULT_MAX_SESSIONS: NonZeroUsize =
    const { NonZeroUsize::new(1_000_000).expect("it is not zero") };

/// Most sessions of one subject, unless configured: more devices than a person has.
pub(crate) const DEFAULT_MAX_SESSIONS_PER_SUBJECT: NonZeroUsize =
    const { NonZeroUsize::new(20).expect("it is not zero") };

/// Issues access and refresh tokens; cheap to clone, one for a process. See the
/// [module](self) for how.
#[derive(Clone)]
pub struct TokenIssuer(Arc<Parts>);

struct Parts {
    audience: String,
    issuer: String,
    jwks: String,
    keys: SigningKeys,
    /// Of access tokens, in milliseconds.
    lifetime: u64,
    limits: Limits,
    minter: Minter,
    revocations: RevocationList,
    sessions: Sessions,
}

/// What is needed before there is a list of revocations.
pub(crate) struct Prepared {
    keys: SigningKeys,
    issuer: Issuer,
    secret: Option<SecretSlice<u8>>,
}

impl Prepared {
    /// Reads the keys.
    pub(crate) fn new(settings: &TokenIssuerSettings) -> Result<Self, Mistakes> {
        let keys = SigningKeys::load(settings)?;
        let issuer = keys
            .issuer(&settings.issuer, &settings.audience)
            .map_err(Mistakes::from)?;
        let secret = settings.load_refresh_secret()?;
        Ok(Self {
            keys,
            issuer,
            secret,
        })
    }

    /// What verifies the tokens.
    pub(crate) fn issuer(&self) -> Issuer {
        self.issuer.clone()
    }

    pub(crate) fn start(
        self,
        settings: &TokenIssuerSettings,
        revocations: RevocationList,
        #[cfg(feature = "redis")] server: Option<Arc<Server>>,
    ) -> Result<TokenIssuer, TokenError> {
        let limits = Limits::new(settings);
        #[cfg(feature = "redis")]
        let sessions = match server {
            Some(server) => Sessions::in_redis(server, limits),
            None => Sessions::in_memory(limits),
        };
        #[cfg(not(feature = "redis"))]
        let sessions = Sessions::in_memory(limits);
        Ok(TokenIssuer(Arc::new(Parts {
            audience: settings.audience.clone(),
            issuer: settings.issuer.clone(),
            jwks: self.keys.jwks(),
            keys: self.keys,
            lifetime: auth::millis(settings.access_lifetime),
            limits,
            minter: match &self.secret {
                Some(secret) => Minter::new(secret),
                None => Minter::random()?,
            },
            revocations,
            sessions,
        })))
    }
}

impl TokenIssuer {
    /// Opens a session for somebody whom the application has authenticated just now.
    ///
    /// Where the subject has `max_sessions_per_subject` already, the one that was unused for
    /// longest ends.
    ///
    /// # Errors
    ///
    /// The subject cannot be written into a token, there are too many sessions, or the one that
    /// had to end could not be revoked.
    pub async fn open_session(&self, subject: Subject) -> Result<IssuedTokens, TokenError> {
        subject.check()?;
        let Parts {
            issuer,
            revocations,
            sessions,
            ..
        } = &*self.0;
        // INVARIANT: before the session is there. Who ends it meanwhile cuts off later than this.
        let issued_at = revocations.issue_time(issuer, &subject.client_id, &subject.name);
        let secret = Secret::random()?;
        let session = Session {
            id: SessionId::random()?,
            auth_time: subject.auth_time(issued_at),
            subject: Arc::new(subject),
            opened_at: issued_at,
            renewed_at: issued_at,
            generation: 0,
            proof: secret.proof(),
        };
        let tokens = self.issue(&session, &secret, issued_at)?;
        let id = session.id;
        let ended = sessions.open(session, revocations.now()).await?;
        tracing::info!(target: AUDIT, event = "authn_token_created", session = %id);
        if let Some(ended) = ended {
            self.revoke(ended, "too many sessions of the subject")
                .await?;
        }
        Ok(tokens)
    }

    /// Spends a refresh token for new tokens of the same session.
    ///
    /// # Errors
    ///
    /// The token or its session is not good any more; or nobody can say at the moment, and the
    /// token is not spent. A token that was used before ends its session.
    pub async fn refresh(&self, token: &RefreshToken) -> Result<IssuedTokens, TokenError> {
        let Parts {
            minter,
            revocations,
            sessions,
            ..
        } = &*self.0;
        let presented = minter.open(token).ok_or(TokenError::Invalid)?;
        // INVARIANT: before the session is looked at. Who ends it meanwhile cuts off later than
        // this, so that no token of an ended session is good.
        let now = revocations.now();
        let id = presented.session;
        let Some(session) = sessions.find(id).await? else {
            tracing::warn!(target: AUDIT, event = "session_use_after_expire", session = %id);
            return Err(TokenError::Invalid);
        };
        // Before it is spent: where this cannot be found out, the client keeps a good token.
        if self.is_revoked(&session).await? {
            self.end(id, &session.subject.name, "revoked since it was opened")
                .await?;
            return Err(TokenError::Revoked);
        }
        let proof = presented.secret.proof();
        match sessions
            .present(&session, presented.generation, &proof, now)
            .await?
        {
            (Outcome::Rotated, Some(session)) => {
                tracing::info!(target: AUDIT, event = "session_renewed", session = %id);
                self.issue(&session, &presented.secret, now)
            }
            (Outcome::Retried, Some(session)) => {
                tracing::info!(target: AUDIT, event = "session_renewed", session = %id, retry = true);
                self.issue(&session, &presented.secret, now)
            }
            (Outcome::Reused, _) => {
                tracing::warn!(target: AUDIT, event = "authn_token_reuse", session = %id);
                self.revoke(id, "a refresh token was used twice").await?;
                Err(TokenError::Reused)
            }
            (Outcome::Expired, _) => {
                tracing::info!(target: AUDIT, event = "session_expired", session = %id);
                Err(TokenError::Expired)
            }
            (Outcome::Rotated | Outcome::Retried | Outcome::Unknown, _) => Err(TokenError::Invalid),
        }
    }

    /// Ends the caller's session: logs out, here. The access token that the caller has just used
    /// is refused from now on. Of a token without a session only the token itself is revoked.
    ///
    /// # Errors
    ///
    /// Access tokens could not be revoked. The session has ended all the same.
    pub async fn end_session(&self, caller: &Principal) -> Result<(), TokenError> {
        let Parts { revocations, .. } = &*self.0;
        match caller.session_id() {
            Some(text) if caller.issuer() == self.0.issuer => {
                if let Some(id) = SessionId::parse(text) {
                    self.end(id, caller.subject(), "logged out").await?;
                    return Ok(());
                }
                Ok(revocations.revoke(caller).await?)
            }
            Some(text) => Ok(revocations.revoke_session(caller.issuer(), text).await?),
            None => Ok(revocations.revoke(caller).await?),
        }
    }

    /// Ends one session of a subject, as [`sessions`](Self::sessions) has listed it; whether there
    /// was one. That of another subject is none.
    ///
    /// # Errors
    ///
    /// As [`end_session`](Self::end_session).
    pub async fn end_session_of(&self, subject: &str, id: &str) -> Result<bool, TokenError> {
        let Some(id) = SessionId::parse(id) else {
            return Ok(false);
        };
        match self.0.sessions.find(id).await? {
            Some(session) if session.subject.name == subject => {
                self.end(id, subject, "ended by its subject").await?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Ends every session of a subject, after the account was disabled for example, or its roles
    /// were changed. Sessions that are opened after the call are not affected.
    ///
    /// # Errors
    ///
    /// As [`end_session`](Self::end_session); or no token can have such a subject.
    pub async fn end_sessions(&self, subject: &str) -> Result<(), TokenError> {
        let Parts {
            issuer,
            revocations,
            sessions,
            ..
        } = &*self.0;
        let ended = sessions.end_all(subject, None).await;
        // Whatever became of the first: this alone refuses all of their tokens too.
        revocations.revoke_subject(issuer, subject).await?;
        let ended = ended?.len();
        tracing::info!(target: AUDIT, event = "authn_token_revoked", sessions = ended);
        Ok(())
    }

    /// Ends every session of the caller but the one that is used now, to be offered after a
    /// password was changed; how many they were.
    ///
    /// # Errors
    ///
    /// As [`end_session`](Self::end_session); or the caller's token is not of this issuer.
    pub async fn end_other_sessions(&self, caller: &Principal) -> Result<usize, TokenError> {
        let (true, Some(kept)) = (
            caller.issuer() == self.0.issuer,
            caller.session_id().and_then(SessionId::parse),
        ) else {
            return Err(TokenError::Foreign);
        };
        let ended = self
            .0
            .sessions
            .end_all(caller.subject(), Some(kept))
            .await?;
        let mut failed = None;
        for id in &ended {
            // One that fails does not keep the others from being revoked.
            if let Err(error) = self.revoke(*id, "ended with the others").await {
                failed = Some(error);
            }
        }
        match failed {
            Some(error) => Err(error),
            None => Ok(ended.len()),
        }
    }

    /// The sessions of a subject, the oldest first.
    ///
    /// # Errors
    ///
    /// The store does not answer; one in memory does.
    pub async fn sessions(&self, subject: &str) -> Result<Vec<ActiveSession>, TokenError> {
        let Parts {
            limits,
            revocations,
            sessions,
            ..
        } = &*self.0;
        let mut sessions = sessions.list(subject, revocations.now()).await?;
        sessions.sort_by_key(|session| (session.opened_at, session.id));
        let sessions = sessions.iter();
        Ok(sessions
            .map(|session| ActiveSession::new(session, limits))
            .collect())
    }

    /// How many sessions there are, of which some may have expired.
    ///
    /// # Errors
    ///
    /// As [`sessions`](Self::sessions).
    pub async fn session_count(&self) -> Result<usize, TokenError> {
        self.0.sessions.count().await
    }

    /// The public keys, as a JWK Set (RFC 7517).
    pub fn jwks(&self) -> &str {
        &self.0.jwks
    }

    /// The `iss` of its tokens.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// Tokens of a session, as of `issued_at`.
    fn issue(
        &self,
        session: &Session,
        secret: &Secret,
        issued_at: u64,
    ) -> Result<IssuedTokens, TokenError> {
        let Parts {
            audience,
            issuer,
            keys,
            lifetime,
            limits,
            minter,
            ..
        } = &*self.0;
        // A session that was opened just after a cut-off of this millisecond is as good as it was.
        let issued_at = issued_at.max(session.opened_at);
        // No access token outlives its session. Down to whole seconds, as all can read it.
        let expires_at = issued_at.saturating_add(*lifetime).min(session.end(limits)) / 1000;
        let session_id = session.id.to_string();
        let scope = session.subject.scopes.join(" ");
        let claims = AccessClaims::new(
            session,
            Issuance {
                issuer,
                audience,
                session_id: &session_id,
                token_id: token_id()?,
                scope: &scope,
                issued_at,
                expires_at,
            },
        );
        let access_token = keys.sign(&claims)?;
        if access_token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Subject(
                "its roles and scopes make a token above 8 KiB, which nobody takes",
            ));
        }
        Ok(IssuedTokens {
            access_token: access_token.into(),
            expires_in: expires_at.saturating_sub(issued_at / 1000),
            refresh_token: minter.mint(session.id, session.generation, secret),
            scope,
            session_id,
        })
    }

    /// Whether something has revoked the session since it was opened.
    async fn is_revoked(&self, session: &Session) -> Result<bool, TokenError> {
        /// A session is to be good for a long time: it is worth a question to the shared store.
        const STRICTEST: Revocation = Revocation::Within(std::time::Duration::ZERO);
        let id = session.id.to_string();
        let holder = Principal::of_session(&self.0.issuer, &session.holder(&id));
        let revocations = &self.0.revocations;
        match revocations.judge(&holder, STRICTEST, Outage::Deny).await {
            Ok(()) => Ok(false),
            Err(rejection) if rejection.refusal() == Refusal::CredentialsRevoked => Ok(true),
            Err(_) => Err(TokenError::Undecided),
        }
    }

    /// Takes a session out of the store and has its access tokens refused: the one even if the other
    /// fails.
    async fn end(
        &self,
        id: SessionId,
        subject: &str,
        reason: &'static str,
    ) -> Result<(), TokenError> {
        let ended = self.0.sessions.end(id, subject).await;
        self.revoke(id, reason).await?;
        ended.map(drop)
    }

    /// Has the access tokens of a session that was taken out of the store refused.
    async fn revoke(&self, id: SessionId, reason: &'static str) -> Result<(), TokenError> {
        tracing::info!(target: AUDIT, event = "authn_token_revoked", session = %id, reason);
        let Parts {
            issuer,
            revocations,
            ..
        } = &*self.0;
        Ok(revocations.revoke_session(issuer, &id.to_string()).await?)
    }
}

const AUDIT: &str = "secure_runtime::audit";

/// Which issuer, and which keys by their ids.
impl fmt::Debug for TokenIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenIssuer")
            .field("issuer", &self.0.issuer)
            .field("keys", &self.0.keys)
            .finish_non_exhaustive()
    }
}
