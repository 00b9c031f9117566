//! What one handler demands, as constant data.
//!
//! The `#[secured]` attribute writes a [`Policy`] for each handler; everything in this crate
//! that judges a request reads it. A policy decides nothing by itself and holds no state.

use std::time::Duration;

/// Everything that one guarded handler demands of a request.
#[derive(Debug)]
pub struct Policy {
    /// Path of the handler, as in `shop::orders::cancel`: what other processes, and the versions
    /// of a service, count its requests and failed logins by.
    pub handler: &'static str,
    /// Source file of the handler, for messages to the developer.
    pub file: &'static str,
    /// Line of the attribute in [`file`](Self::file).
    pub line: u32,
    /// Who may call.
    pub access: Access,
    /// What happens where the shared store does not tell whether a token was revoked, or how much
    /// is left of a quota.
    pub outage: Outage,
    /// How often; all of them hold together.
    pub quotas: &'static [Quota],
    /// Units of each quota that a request takes; not zero, and at most the burst of each.
    pub cost: u32,
    /// Most requests that are in progress at a time in this process.
    pub concurrency: Option<u32>,
    /// Who is served where the process has little room left.
    pub priority: Priority,
    /// Most bytes of request body that are read.
    pub max_body: u64,
    /// The whole body must have arrived this long after the request was admitted.
    pub body_timeout: Duration,
    /// The rule over the handler's own arguments.
    pub allow: Option<AllowRule>,
    /// How often the password of one account may be guessed, if the handler checks passwords.
    pub login: Option<LoginRule>,
    /// What the handler takes, in the order of its parameters.
    pub inputs: &'static [InputPolicy],
}

/// Who may call a handler.
#[derive(Debug)]
pub enum Access {
    /// Callers with valid credentials that satisfy every rule given.
    Authenticated {
        /// Roles that the caller must hold.
        roles: Option<Rule>,
        /// OAuth scopes that the caller's token must carry.
        scopes: Option<Rule>,
        /// The caller authenticated at most this long ago (RFC 9470).
        max_age: Option<Duration>,
        /// How the caller must have authenticated, as values of `amr` (RFC 8176).
        factors: Option<Rule>,
        /// Whether a token that was revoked is still good here.
        revocation: Revocation,
    },
    /// Anybody; no credentials are asked for.
    Public {
        /// Why, in the words of the developer.
        reason: Option<&'static str>,
    },
}

/// Who is served where the process has little room left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Priority {
    /// Requests may take the places that `limits.reserved_for_critical` keeps.
    Critical,
    /// Requests are refused with 503 before they could take one of these.
    #[default]
    Normal,
}

/// What happens where the shared store does not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outage {
    /// The request is refused with 503.
    #[default]
    Deny,
    /// It is judged by what this process knows, however old, and quotas are divided: each process
    /// enforces its share of them by itself.
    Local,
}

/// How old the knowledge of revoked tokens may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// Revoked tokens are good until they expire.
    Off {
        /// Why, in the words of the developer.
        reason: &'static str,
    },
    /// A token is refused at most this long after it was revoked; at once in the process that
    /// revoked it.
    Within(Duration),
}

/// A condition over the names (roles or scopes) that a caller holds.
#[derive(Debug)]
pub enum Rule {
    /// Every one of these. An empty list is satisfied by nobody.
    All(&'static [Rule]),
    /// At least one of these.
    Any(&'static [Rule]),
    /// One name, or a name that includes it.
    Has {
        /// The name as the developer wrote it.
        name: &'static str,
        /// Every name that satisfies the condition, [`name`](Self::Has::name) among them.
        satisfied_by: &'static [&'static str],
    },
}

/// An amount of units per time, enforced by the generic cell rate algorithm (GCRA). A request takes
/// one unit, unless its policy's [`cost`](Policy::cost) says more.
///
/// In any window of `w` seconds at most `burst + w * limit / period` units pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    /// Name that callers see in the RateLimit fields: the developer's text, such as `10/min`.
    pub name: &'static str,
    /// Units that become available in each [`period_seconds`](Self::period_seconds); not zero.
    pub limit: u32,
    /// Length of the period; not zero.
    pub period_seconds: u32,
    /// Units that may be taken at once; not zero.
    pub burst: u32,
    /// What is counted together.
    pub per: Per,
    /// Which processes count together.
    pub sharing: Sharing,
}

impl Quota {
    /// Nanoseconds after which one unit becomes available again; never zero.
    pub const fn interval_nanos(&self) -> u64 {
        let nanos = self.period_seconds as u64 * 1_000_000_000 / self.limit as u64;
        if nanos == 0 { 1 } else { nanos }
    }
}

/// What a [`Quota`] counts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Per {
    /// Requests from one client address (an IPv6 network of 56 bits counts as one).
    Ip,
    /// All requests to the handler.
    Route,
    /// Requests of one authenticated caller.
    User,
}

/// How the processes of one service count a [`Quota`] together, where the settings name a store
/// that they share; without one each counts for itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sharing {
    /// The store is asked about every request.
    #[default]
    Exact,
    /// A process takes several requests' units from the store at once, and admits requests against
    /// them without asking.
    ///
    /// It holds at most `P` units for a subject, where `P` is a tenth of the burst, or those of one
    /// request if that is more; and for one second at most. Those that nobody wanted until then
    /// are lost. So with `n` processes, in any window of `w` seconds at most
    ///
    /// > burst + w * limit / period + min(n * P, limit / period)
    ///
    /// units are taken: what may be too much is never more than comes back in one second. Where
    /// `P` is one request the quota is exact.
    Leased,
    /// Each process counts for itself, so `n` of them admit `n` times the quota.
    Local,
}

/// The rule that the attribute's `allow` key states.
#[derive(Debug)]
pub struct AllowRule {
    /// The expression as written, for the lock file.
    pub text: &'static str,
    /// Answer 404 in place of 403, so that a caller cannot tell whether the thing exists.
    pub hide: bool,
}

/// How often the password of one account may be guessed: what the attribute's `login` key states.
#[derive(Debug)]
pub struct LoginRule {
    /// The expression that names the account, as written, for the lock file.
    pub account: &'static str,
    /// Failures of one account in [`window`](Self::window), beyond which nothing is checked.
    pub attempts: u32,
    /// Length of the sliding window.
    pub window: Duration,
    /// For how long nothing is checked after the last of these failures.
    pub lock: Duration,
    /// The expression that gives the password, as written.
    pub password: Option<&'static str>,
}

/// One parameter of a handler.
#[derive(Debug)]
pub struct InputPolicy {
    /// Its name or pattern as written.
    pub name: &'static str,
    /// Where its value comes from.
    pub kind: InputKind,
}

/// Where the value of a parameter comes from, and whether it was validated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// Decoded from the body and validated.
    Body,
    /// The body as it came, or decoded without validation.
    BodyUnvalidated,
    /// The caller: it exists only where credentials are required.
    Caller,
    /// Decoded from the path, the query or a header, and validated.
    Head,
    /// Decoded from the path, the query or a header without validation.
    HeadUnvalidated,
    /// The quotas, to be charged after the fact: they must exist.
    Meter,
    /// Nothing that a client sent: application data, an optional caller.
    Server,
    /// What issues tokens: it must be configured.
    TokenIssuer,
}

impl InputKind {
    /// Whether taking this parameter reads the body.
    pub const fn reads_body(self) -> bool {
        matches!(self, Self::Body | Self::BodyUnvalidated)
    }

    /// Whether a client's data reaches the handler without validation.
    pub const fn is_unvalidated(self) -> bool {
        matches!(self, Self::BodyUnvalidated | Self::HeadUnvalidated)
    }

    /// The same source, taken without validation.
    pub const fn unvalidated(self) -> Self {
        match self {
            Self::Body => Self::BodyUnvalidated,
            Self::Head => Self::HeadUnvalidated,
            other => other,
        }
    }
}

/// One method and path under which a handler answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoutePattern {
    /// Path pattern as given to the route macro.
    pub path: &'static str,
    /// HTTP method in upper case.
    pub method: &'static str,
    /// Whether the route macro has a `guard`, which may leave requests to other routes.
    pub has_guard: bool,
}
