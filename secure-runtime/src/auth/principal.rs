//! Who the caller is, after verification.

use std::{
    fmt,
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use serde::de::DeserializeOwned;

use super::jwt::Reason;
use crate::{
    limit::Identity,
    rejection::{Refusal, Rejection},
};

/// Who the caller is: the contents of a verified access token. Cheap to clone.
///
/// A handler takes it as a parameter:
///
/// ```
/// use secure_runtime::Principal;
///
/// async fn greet(caller: Principal) -> String {
///     if caller.has_role("admin") {
///         format!("hello, administrator {}", caller.subject())
///     } else {
///         format!("hello, {}", caller.subject())
///     }
/// }
/// ```
///
/// It is what the token says, and changes nothing: to log the token out, give it to
/// [`RevocationList::revoke`](crate::RevocationList::revoke).
#[derive(Clone)]
pub struct Principal(Arc<Shared>);

/// What the clones of a principal have in common, that in the cache among them.
///
/// In this order, which the compiler would not keep: between two requests of a caller come those
/// of many others, and each line of memory that has to be fetched again costs as much as a check.
/// What every request looks at comes first, next to the count of the clones.
#[repr(C)]
struct Shared {
    /// The generation of the list of revocations at which the token was last found good.
    unrevoked_at: AtomicU64,
    verified: Verified,
}

impl Deref for Shared {
    type Target = Verified;

    fn deref(&self) -> &Verified {
        &self.verified
    }
}

/// What a verified token says, in an order as above.
#[repr(C)]
pub(super) struct Verified {
    pub(super) lifetime: Lifetime,
    pub(super) identity: Identity,
    /// Sorted.
    pub(super) roles: Box<[Box<str>]>,
    /// Sorted.
    pub(super) scopes: Box<[Box<str>]>,
    pub(super) authenticated_at: Option<u64>,
    /// Sorted.
    pub(super) factors: Box<[Box<str>]>,
    pub(super) client_id: Option<Box<str>>,
    pub(super) issuer: Arc<str>,
    pub(super) payload: Box<str>,
    pub(super) session_id: Option<Box<str>>,
    pub(super) subject: Box<str>,
    pub(super) token_id: Box<str>,
}

/// Whose session it is. Texts as in tokens, time in milliseconds since 1970.
pub(crate) struct SessionHolder<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) opened_at: u64,
    pub(crate) session_id: &'a str,
    pub(crate) subject: &'a str,
}

/// When a token is valid, in milliseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lifetime {
    pub(super) expires_at: u64,
    pub(super) issued_at: u64,
    pub(super) not_before: u64,
}

impl Lifetime {
    /// Whether a token lives longer than any may. One that does would outlive the entries that
    /// revoke it.
    pub(super) fn check_length(&self, longest: u64) -> Result<(), Reason> {
        if self.expires_at.saturating_sub(self.issued_at) > longest {
            return Err("token: lives longer than `tokens.max_lifetime`");
        }
        Ok(())
    }

    /// Whether a token is valid `now`, for clocks that differ by at most `leeway`.
    pub(super) fn check(&self, now: u64, leeway: u64) -> Result<(), Reason> {
        let latest = now.saturating_add(leeway);
        if now >= self.expires_at.saturating_add(leeway) {
            Err("token: expired")
        } else if self.not_before > latest {
            Err("token: `nbf` is in the future")
        } else if self.issued_at > latest {
            Err("token: `iat` is in the future")
        } else {
            Ok(())
        }
    }
}

impl Principal {
    pub(super) fn new(verified: Verified) -> Self {
        Self(Arc::new(Shared {
            verified,
            unrevoked_at: AtomicU64::new(0),
        }))
    }

    /// The holder of a session, for judging whether it was revoked since it was opened.
    pub(crate) fn of_session(issuer: &str, holder: &SessionHolder<'_>) -> Self {
        Self::new(Verified {
            authenticated_at: None,
            client_id: Some(Box::from(holder.client_id)),
            factors: Box::default(),
            identity: Identity::new(Arc::from("")),
            issuer: Arc::from(issuer),
            lifetime: Lifetime {
                expires_at: u64::MAX,
                issued_at: holder.opened_at,
                not_before: 0,
            },
            payload: Box::from("{}"),
            roles: Box::default(),
            scopes: Box::default(),
            session_id: Some(Box::from(holder.session_id)),
            subject: Box::from(holder.subject),
            token_id: Box::from(holder.session_id),
        })
    }

    /// The caller's name, unique within the [`issuer`](Self::issuer) only.
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// Who issued the token.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// Issuer and subject in one text that no other pair has: what identifies a caller.
    pub fn identity(&self) -> &Arc<str> {
        self.0.identity.text()
    }

    /// The same, for quotas.
    pub(crate) fn counted_as(&self) -> &Identity {
        &self.0.identity
    }

    /// The client that the token was issued to. `None` only where the issuer's tokens need not
    /// name one ([`Issuer::accept_generic_typ`](super::Issuer::accept_generic_typ)).
    pub fn client_id(&self) -> Option<&str> {
        self.0.client_id.as_deref()
    }

    /// Whether the caller holds the role. Roles that include others are not resolved here.
    pub fn has_role(&self, role: &str) -> bool {
        contains(&self.0.roles, role)
    }

    /// The caller's roles, in alphabetical order.
    pub fn roles(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.roles.iter().map(|role| &**role)
    }

    /// Whether the token carries the scope.
    pub fn has_scope(&self, scope: &str) -> bool {
        contains(&self.0.scopes, scope)
    }

    /// The token's scopes, in alphabetical order.
    pub fn scopes(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.scopes.iter().map(|scope| &**scope)
    }

    /// When the caller last authenticated (`auth_time`), in seconds since 1970.
    pub fn authenticated_at(&self) -> Option<u64> {
        self.0.authenticated_at.map(|millis| millis / 1000)
    }

    /// Whether the caller authenticated with this factor: a value of `amr`, as in `otp`
    /// (RFC 8176).
    pub fn has_factor(&self, factor: &str) -> bool {
        contains(&self.0.factors, factor)
    }

    /// How the caller authenticated (`amr`), in alphabetical order.
    pub fn factors(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.factors.iter().map(|factor| &**factor)
    }

    /// The token's own identifier (`jti`), unique within the issuer.
    pub fn token_id(&self) -> &str {
        &self.0.token_id
    }

    /// The session that the token belongs to (`sid`).
    pub fn session_id(&self) -> Option<&str> {
        self.0.session_id.as_deref()
    }

    /// When the token was issued (`iat`), in seconds since 1970.
    pub fn issued_at(&self) -> u64 {
        self.0.lifetime.issued_at / 1000
    }

    /// When the token expires (`exp`), in seconds since 1970.
    pub fn expires_at(&self) -> u64 {
        self.0.lifetime.expires_at / 1000
    }

    /// All claims of the token, decoded into a type of your own.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, Rejection> {
        // The parser's message may hold what the token holds.
        serde_json::from_str(&self.0.payload).map_err(|_| {
            Rejection::new(
                Refusal::CredentialsInvalid,
                "token: the claims do not fit the type that the handler takes",
            )
        })
    }

    pub(crate) fn issued_at_millis(&self) -> u64 {
        self.0.lifetime.issued_at
    }

    pub(crate) fn expires_at_millis(&self) -> u64 {
        self.0.lifetime.expires_at
    }

    pub(crate) fn unrevoked_at(&self) -> u64 {
        self.0.unrevoked_at.load(Ordering::Relaxed)
    }

    pub(crate) fn set_unrevoked_at(&self, generation: u64) {
        self.0.unrevoked_at.store(generation, Ordering::Relaxed);
    }

    pub(super) fn lifetime(&self) -> &Lifetime {
        &self.0.lifetime
    }

    pub(super) fn authenticated_at_millis(&self) -> Option<u64> {
        self.0.authenticated_at
    }

    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        let names = |names: &[Box<str>]| names.iter().map(|name| name.len() + 32).sum::<usize>();
        let verified = &self.0.verified;
        size_of::<Shared>()
            + verified.payload.len()
            + verified.identity.text().len()
            + verified.subject.len()
            + verified.token_id.len()
            + verified.client_id.as_deref().map_or(0, str::len)
            + verified.session_id.as_deref().map_or(0, str::len)
            + names(&verified.factors)
            + names(&verified.roles)
            + names(&verified.scopes)
    }
}

fn contains(sorted: &[Box<str>], name: &str) -> bool {
    sorted.binary_search_by(|held| (**held).cmp(name)).is_ok()
}

/// Claims are personal data: only the issuer is shown.
impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal")
            .field("issuer", &self.0.issuer)
            .finish_non_exhaustive()
    }
}

/// The claims of the caller's token, decoded into a type of your own.
///
/// ```
/// use secure_runtime::Claims;
///
/// #[derive(serde::Deserialize)]
/// struct Tenant {
///     tenant_id: u64,
/// }
///
/// async fn invoices(Claims(tenant): Claims<Tenant>) -> String {
///     format!("invoices of tenant {}", tenant.tenant_id)
/// }
/// ```
#[derive(Clone)]
pub struct Claims<T>(pub T);

/// Claims are personal data.
impl<T> fmt::Debug for Claims<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims").finish_non_exhaustive()
    }
}
