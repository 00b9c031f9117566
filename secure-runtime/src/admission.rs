//! The order of checks. Everybody reads this.
//!
//! [`check`] is the whole of it, cheapest check first. Nothing in this file reads a byte of the
//! body before `check` has returned: a caller who is refused has sent it in vain.

mod head;

use std::{
    mem,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use actix_web::{HttpRequest, HttpResponse, dev::Payload, http::header};
use futures_util::future::{Either, LocalBoxFuture};

use self::head::{Fields, declared_body};
use crate::{
    address::ClientAddress,
    auth::Principal,
    authorization::{self, Decision},
    concurrency::Place,
    connection,
    input::body::Body,
    limit::{self, Charges, Meter},
    login::{Attempt, Presented, Settled},
    policy::{Access, Outage, Policy, Revocation},
    private::Identifier,
    rejection::{Refusal, Rejection},
    response::{self, Answer, Secured},
    security::Security,
    settings::Transport,
    shield,
};

/// A request that was admitted, and the only way to its body.
///
/// Made by the code that `#[secured]` writes; an [`Input`](crate::Input) of your own is handed
/// one.
pub struct Admitted {
    pub(crate) policy: &'static Policy,
    pub(crate) security: Security,
    pub(crate) request: HttpRequest,
    pub(crate) body: Body,
    pub(crate) principal: Option<Principal>,
    /// Where it came from. Behind proxies that takes time to find, so it is found once here.
    pub(crate) address: ClientAddress,
    charges: Charges,
    /// Held until the answer was sent.
    place: Place,
    /// The attempt to log in that the handler decides about. In a box: few handlers do.
    login: Option<Box<Attempt>>,
}

/// Judges a request by its policy: everything that can be known without its body.
async fn check(admitted: &mut Admitted) -> Result<(), Rejection> {
    let Admitted {
        policy,
        security,
        request,
        principal,
        address,
        charges,
        place,
        ..
    } = admitted;

    let fields = Fields::of(request.headers());
    // Not copied into what may wait.
    let address = &*address;
    // Not looked for again where the shield did, which stands before everything.
    if !security.bans().is_empty() && !shield::stands_before(request) {
        security.bans().judge(peer(request), || *address)?;
    }

    // Before the transport is judged: a proxy that is missing among the trusted shows there first.
    if fields.forwarding.any() || *address == ClientAddress::Unknown {
        let (peer, sent) = (peer(request), fields.forwarding);
        security
            .addresses()
            .notice(peer, request.headers(), sent, *address);
    }

    transport(security, request)?;

    *place = security.concurrency().take(policy)?;

    security.limiter().charge_ip(charges, policy, *address)?;

    // What is refused from here on has cost its quotas `per ip`; those that a store counts are
    // charged with the others, at the end.
    match caller(policy, security, request, fields, address).await {
        Ok(caller) => *principal = caller,
        Err(rejection) => {
            let limiter = security.limiter();
            return Err(limiter
                .charge_refused(charges, rejection, policy.outage)
                .await);
        }
    }

    let identity = principal.as_ref().map(Principal::counted_as);
    security
        .limiter()
        .charge_admitted(charges, identity, policy.outage)
        .await
}

/// The part of [`check`] about the body that was declared and about the caller: who it is, where
/// the policy asks for one.
async fn caller(
    policy: &Policy,
    security: &Security,
    request: &HttpRequest,
    fields: Fields,
    address: &ClientAddress,
) -> Result<Option<Principal>, Rejection> {
    declared_body(request.headers(), fields, policy.max_body)?;

    let Access::Authenticated {
        roles,
        scopes,
        max_age,
        factors,
        revocation,
    } = &policy.access
    else {
        return Ok(None);
    };

    let caller = authenticate(security, request, address, *revocation, policy.outage).await?;

    if let Some(max_age) = max_age {
        security.authenticator()?.check_age(&caller, *max_age)?;
    }
    if let Some(rule) = factors
        && authorization::judge(rule, &|name| caller.has_factor(name)) == Decision::Deny
    {
        return Err(
            Rejection::new(Refusal::FactorMissing, "token: `amr` lacks a factor")
                .with_factors(authorization::names(rule)),
        );
    }
    if let Some(rule) = roles
        && authorization::judge(rule, &|name| caller.has_role(name)) == Decision::Deny
    {
        return Err(Rejection::new(
            Refusal::RoleMissing,
            "the caller lacks a role",
        ));
    }
    if let Some(rule) = scopes
        && authorization::judge(rule, &|name| caller.has_scope(name)) == Decision::Deny
    {
        return Err(
            Rejection::new(Refusal::ScopeMissing, "the token lacks a scope")
                .with_scope(authorization::names(rule)),
        );
    }
    Ok(Some(caller))
}

/// TLS, unless the settings give that up.
fn transport(security: &Security, request: &HttpRequest) -> Result<(), Rejection> {
    if security.settings().danger.plaintext || came_over_tls(security, request) {
        Ok(())
    } else {
        Err(Rejection::new(
            Refusal::HttpsRequired,
            "the request came without TLS",
        ))
    }
}

/// Whether the client sent the request over TLS, which ends here or at a trusted proxy.
pub(crate) fn came_over_tls(security: &Security, request: &HttpRequest) -> bool {
    match security.settings().server.transport {
        Transport::BehindProxy => security
            .addresses()
            .forwarded_https(peer(request), request.headers())
            .unwrap_or(false),
        Transport::Https => request.app_config().secure() || connection::is_over_tls(request),
    }
}

/// `None` where there is no address, at a socket file.
pub(crate) fn peer(request: &HttpRequest) -> Option<IpAddr> {
    match request.peer_addr() {
        Some(peer) => Some(peer.ip()),
        // The system forgets the address of a client that has gone already. It must not pass for
        // the proxy at a socket file: it is nobody.
        None if connection::is_over_tcp(request) => Some(Ipv4Addr::UNSPECIFIED.into()),
        None => None,
    }
}

/// Credentials to principal, unless they were revoked. Credentials that are wrong count against
/// the client's address, and beyond that quota the answer is 429: so a guesser learns nothing
/// more, while callers with valid credentials behind the same address go on.
async fn authenticate(
    security: &Security,
    request: &HttpRequest,
    address: &ClientAddress,
    revocation: Revocation,
    outage: Outage,
) -> Result<Principal, Rejection> {
    let verified = security.authenticator()?.authenticate(request.headers());
    let judged = match verified {
        Ok(caller) => security
            .revocations()
            .judge(&caller, revocation, outage)
            .await
            .map(|()| caller),
        Err(rejection) => Err(rejection),
    };
    judged.map_err(|rejection| match rejection.refusal() {
        Refusal::CredentialsAmbiguous
        | Refusal::CredentialsInvalid
        | Refusal::CredentialsRevoked => {
            let charged = security.limiter().charge_ip(
                &mut Charges::default(),
                security.authentication_failures(),
                *address,
            );
            match charged {
                Ok(()) => rejection,
                Err(too_many) => {
                    // It takes the place of what the client did.
                    security
                        .bans()
                        .note(peer(request), *address, rejection.refusal());
                    too_many
                }
            }
        }
        _ => rejection,
    })
}

pub(crate) fn client_address(security: &Security, request: &HttpRequest) -> ClientAddress {
    security
        .addresses()
        .client_address(peer(request), request.headers())
}

/// What a public route asks for, where a caller has sent credentials: it has no word in this.
const STRICTEST: Revocation = Revocation::Within(Duration::ZERO);

impl Admitted {
    /// A request, nothing of which is judged yet; the refusal where nothing can be.
    pub(crate) fn unjudged(
        policy: &'static Policy,
        request: HttpRequest,
        payload: Payload,
    ) -> Result<Self, LocalBoxFuture<'static, Secured>> {
        let Some(security) = request.app_data::<Security>().cloned() else {
            let rejection = Rejection::new(
                Refusal::NotConfigured,
                "no `Security` in this app: add `.configure(security.routes(routes))`",
            );
            let body = Body::new(payload, 0, policy.body_timeout);
            return Err(Box::pin(response::refuse(rejection, policy, None, body)));
        };
        Ok(Self {
            body: Body::new(payload, policy.max_body, policy.body_timeout),
            address: client_address(&security, &request),
            policy,
            security,
            request,
            principal: None,
            charges: Charges::default(),
            place: Place::default(),
            login: None,
        })
    }

    /// Judges the request by its policy.
    pub(crate) async fn judge(&mut self) -> Result<(), Secured> {
        match check(self).await {
            Ok(()) => Ok(()),
            Err(rejection) => Err(self.refuse(rejection).await),
        }
    }

    /// The request's head.
    pub fn request(&self) -> &HttpRequest {
        &self.request
    }

    /// The caller, where the route requires credentials.
    pub fn principal(&self) -> Option<&Principal> {
        self.principal.as_ref()
    }

    /// The configured parts.
    pub fn security(&self) -> &Security {
        &self.security
    }

    /// Who calls a route that asks for no credentials: nobody known, where none were sent. Some
    /// that are not valid are refused, because their sender believes to be known.
    pub(crate) async fn optional_principal(&self) -> Result<Option<Principal>, Rejection> {
        if !self.request.headers().contains_key(header::AUTHORIZATION) {
            return Ok(None);
        }
        let (security, request) = (&self.security, &self.request);
        authenticate(security, request, &self.address, STRICTEST, Outage::Deny)
            .await
            .map(Some)
    }

    /// What charges the request's quotas after the fact; `None` where it has none.
    pub(crate) fn meter(&mut self) -> Option<Meter> {
        let identity = self.principal.as_ref().map(Principal::counted_as);
        Meter::new(&self.security, &mut self.charges, identity)
    }

    /// The answer to a request that is refused. It takes the body along.
    pub(crate) fn refuse(&mut self, rejection: Rejection) -> Answer {
        // The places first: what is left of the body may take its time.
        drop(mem::take(&mut self.place));
        let body = mem::take(&mut self.body);
        self.note_rejection(&rejection);
        response::refuse(rejection, self.policy, Some(&self.security), body)
    }

    fn note_rejection(&self, rejection: &Rejection) {
        if rejection.is_own_doing() {
            self.note(rejection.refusal());
        }
    }

    /// Counts a refusal of this request, where rules of bans count it.
    pub(crate) fn note(&self, refusal: Refusal) {
        self.security
            .bans()
            .note(peer(&self.request), self.address, refusal);
    }

    /// Enforces the decision of the attribute's `allow`.
    pub(crate) fn allow(&self, decision: Result<Decision, Rejection>) -> Result<(), Rejection> {
        match decision? {
            Decision::Allow => Ok(()),
            Decision::Deny => {
                let hide = self.policy.allow.as_ref().is_some_and(|allow| allow.hide);
                let refusal = if hide {
                    Refusal::Hidden
                } else {
                    Refusal::Forbidden
                };
                Err(Rejection::new(refusal, "`allow` is false"))
            }
        }
    }

    /// Enforces the attribute's `login`: from here on the attempt has failed, until the handler's
    /// answer says otherwise.
    pub(crate) async fn begin_login(
        &mut self,
        account: Identifier,
        password: Option<Identifier>,
    ) -> Result<(), Rejection> {
        let peer = peer(&self.request);
        let client = self.security.addresses().bannable(peer, self.address);
        let presented = Presented {
            address: self.address,
            is_bannable: client.is_some_and(|client| !client.is_loopback()),
            headers: self.request.headers(),
            account,
            password,
        };
        let attempt = self.security.logins().begin(self.policy, presented).await?;
        self.login = Some(Box::new(attempt));
        Ok(())
    }

    /// The answer of a handler that checks passwords.
    async fn respond_to_login(mut self, attempt: Attempt, mut response: HttpResponse) -> Secured {
        // A body that was cut off is refused below, and says nothing of a password.
        let status = match self.body.refusal() {
            Some(rejection) => rejection.refusal().status(),
            None => response.status(),
        };
        match attempt.settle(status).await {
            Settled::Failed(rejection) => return self.refuse(rejection).await,
            Settled::Neither => {}
            Settled::Succeeded(cookie) => {
                if let Some(cookie) = cookie {
                    response.headers_mut().append(header::SET_COOKIE, cookie);
                }
            }
        }
        self.respond(response).await
    }

    /// The handler's own answer, with the fields that its policy adds.
    pub(crate) fn respond(&mut self, mut response: HttpResponse) -> Answer {
        if let Some(attempt) = self.login.take() {
            return Either::Right(Box::pin(self.take().respond_to_login(*attempt, response)));
        }
        // A body that was cut off under the handler's hands is refused, whatever it made of that.
        if let Some(rejection) = self.body.refusal() {
            return self.refuse(rejection);
        }
        // So is a rejection that the handler returned: it belongs in the log and in this realm.
        if let Some(rejection) = response
            .error()
            .and_then(|error| error.as_error::<Rejection>())
        {
            let body = mem::take(&mut self.body);
            self.note_rejection(rejection);
            return response::refuse(rejection.cloned(), self.policy, Some(&self.security), body);
        }
        if let Some((policy, limit)) = self.security.limiter().fields(&self.charges) {
            let headers = response.headers_mut();
            // In place of the handler's own. There seldom are any, and then `append` does it, which
            // moves less than `insert`.
            let names = [limit::RATELIMIT_POLICY, limit::RATELIMIT];
            if headers.keys().any(|key| names.contains(key)) {
                names.iter().for_each(|name| drop(headers.remove(name)));
            }
            headers.append(limit::RATELIMIT_POLICY, policy);
            headers.append(limit::RATELIMIT, limit);
        }
        let (place, body) = (mem::take(&mut self.place), mem::take(&mut self.body));
        response::secure(response::keep(place, response), body)
    }

    /// What an answer needs that is not made at once.
    fn take(&mut self) -> Self {
        Self {
            policy: self.policy,
            security: self.security.clone(),
            request: self.request.clone(),
            body: mem::take(&mut self.body),
            principal: self.principal.take(),
            address: self.address,
            charges: mem::take(&mut self.charges),
            place: mem::take(&mut self.place),
            login: self.login.take(),
        }
    }
}

impl std::fmt::Debug for Admitted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admitted")
            .field("handler", &self.policy.handler)
            .finish_non_exhaustive()
    }
}
