//! Who may issue tokens for this service, with which keys, and where its claims are.

use std::{collections::HashMap, fmt, sync::Arc};

use super::{AuthError, jwt::is_identifier, keys::VerifyingKey};

/// An authorization server whose tokens this service accepts.
///
/// ```
/// use secure_runtime::{HmacAlgorithm, Issuer, SecretSlice, VerifyingKey};
///
/// # let random_bytes: Vec<u8> = (0..64_u8).map(|n| n.wrapping_mul(n).wrapping_add(n / 3)).collect();
/// let secret = SecretSlice::from(random_bytes);
/// let issuer = Issuer::new("https://login.example.com", "https://orders.example.com")
///     .key(VerifyingKey::hmac(HmacAlgorithm::Hs256, &secret)?)
///     .roles_from("realm_access.roles");
/// # Ok::<(), secure_runtime::KeyError>(())
/// ```
#[derive(Clone)]
pub struct Issuer {
    name: Arc<str>,
    /// What identities of its callers begin with.
    prefix: Arc<str>,
    audience: String,
    keys: Vec<VerifyingKey>,
    roles: Vec<ClaimPath>,
    scopes: Vec<ClaimPath>,
    client_id: ClaimPath,
    token_id: ClaimPath,
    generic_typ: bool,
}

impl Issuer {
    /// The issuer that writes `name` as `iss`, for tokens whose `aud` holds `audience`.
    pub fn new(name: impl Into<String>, audience: impl Into<String>) -> Self {
        let name = Arc::from(name.into());
        Self {
            prefix: Arc::from(format!("{}:{name}", str::len(&name))),
            name,
            audience: audience.into(),
            keys: Vec::new(),
            roles: Vec::new(),
            scopes: Vec::new(),
            client_id: ClaimPath::from("client_id"),
            token_id: ClaimPath::from("jti"),
            generic_typ: false,
        }
    }

    /// Adds a key. All keys of one issuer are HMAC secrets, or all are public keys.
    #[must_use]
    pub fn key(mut self, key: VerifyingKey) -> Self {
        self.keys.push(key);
        self
    }

    /// Adds a place where tokens list the roles of the caller; without any it is `roles`.
    ///
    /// Roles from several places are put together.
    #[must_use]
    pub fn roles_from(mut self, path: impl Into<ClaimPath>) -> Self {
        self.roles.push(path.into());
        self
    }

    /// Adds a place where tokens list their scopes, as one text or as a list; without any it is
    /// `scope` and `scp`.
    #[must_use]
    pub fn scopes_from(mut self, path: impl Into<ClaimPath>) -> Self {
        self.scopes.push(path.into());
        self
    }

    /// Where tokens name the client in place of `client_id`, such as `azp`.
    #[must_use]
    pub fn client_id_from(mut self, path: impl Into<ClaimPath>) -> Self {
        self.client_id = path.into();
        self
    }

    /// Where tokens carry their own identifier in place of `jti`, such as `uti`.
    #[must_use]
    pub fn token_id_from(mut self, path: impl Into<ClaimPath>) -> Self {
        self.token_id = path.into();
        self
    }

    /// Also accepts tokens of the type `JWT` or of none, and without a client id.
    ///
    /// **This weakens the check that a token is an access token.** An issuer that follows RFC 9068
    /// writes `typ: at+jwt`, and then nothing else that it signs, an ID token above all, can be
    /// mistaken for one. Some issuers (Entra ID, older Keycloak, Cognito) do not: for those this
    /// switch is needed, and tokens are told apart by their audience and by claims that only
    /// other kinds have. Never use the client id of an application as the `audience` then: it
    /// is the audience of that application's ID tokens.
    #[must_use]
    pub fn accept_generic_typ(mut self) -> Self {
        self.generic_typ = true;
        self
    }

    /// What its tokens have as `iss`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its tokens have in `aud`.
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// Its keys.
    pub fn keys(&self) -> &[VerifyingKey] {
        &self.keys
    }

    /// Whether [`accept_generic_typ`](Self::accept_generic_typ) was called.
    pub fn accepts_generic_typ(&self) -> bool {
        self.generic_typ
    }

    /// Its name, for a principal to share.
    pub(super) fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    /// Issuer and subject in one text that no other pair has. The length of the name keeps two
    /// pairs apart whose texts are the same when put together.
    pub(super) fn identity_of(&self, subject: &str) -> Arc<str> {
        Arc::from([&*self.prefix, subject].concat())
    }

    pub(super) fn role_paths(&self) -> &[ClaimPath] {
        &self.roles
    }

    pub(super) fn scope_paths(&self) -> &[ClaimPath] {
        &self.scopes
    }

    pub(super) fn client_id_path(&self) -> &ClaimPath {
        &self.client_id
    }

    pub(super) fn token_id_path(&self) -> &ClaimPath {
        &self.token_id
    }

    /// Refuses an issuer for which it would be unclear which key verifies a token.
    fn check(&self) -> Result<(), AuthError> {
        let issuer = || self.name.to_string();
        if !is_identifier(&self.name) {
            return Err(AuthError::IssuerName);
        }
        if !is_identifier(&self.audience) {
            return Err(AuthError::Audience { issuer: issuer() });
        }
        if self.keys.is_empty() {
            return Err(AuthError::NoKey { issuer: issuer() });
        }
        let symmetric = self.keys.iter().filter(|key| key.is_symmetric()).count();
        if symmetric != 0 && symmetric != self.keys.len() {
            return Err(AuthError::KeyFamiliesMixed { issuer: issuer() });
        }
        let mut ids = Vec::new();
        for key in &self.keys {
            match key.id() {
                Some(id) if !is_identifier(id) => {
                    return Err(AuthError::KeyId { issuer: issuer() });
                }
                Some(id) if ids.contains(&id) => {
                    return Err(AuthError::KeyIdTwice {
                        issuer: issuer(),
                        id: id.to_owned(),
                    });
                }
                Some(id) => ids.push(id),
                None if self.keys.len() > 1 => {
                    return Err(AuthError::KeyIdMissing { issuer: issuer() });
                }
                None => {}
            }
        }
        Ok(())
    }
}

/// Without key material, of which [`VerifyingKey`] shows none.
impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer")
            .field("name", &self.name)
            .field("audience", &self.audience)
            .field("keys", &self.keys)
            .field("generic_typ", &self.generic_typ)
            .finish_non_exhaustive()
    }
}

/// One line for the table of routes.
impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for `{}`, keys", self.name, self.audience)?;
        for (n, key) in self.keys.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            write!(f, "{comma} {}", key.algorithm())?;
            if let Some(id) = key.id() {
                write!(f, " `{id}`")?;
            }
        }
        if self.generic_typ {
            f.write_str(", ACCEPTS GENERIC TYP")?;
        }
        Ok(())
    }
}

/// Where in a token's claims a value is.
///
/// A text is split at its dots: `realm_access.roles` is the member `roles` of the member
/// `realm_access`. A text with `://` in it is the name of one claim, as issuers use URLs for
/// claims of their own. An array gives the names one by one, whatever is in them.
///
/// ```
/// use secure_runtime::ClaimPath;
///
/// let keycloak = ClaimPath::from("realm_access.roles");
/// let auth0 = ClaimPath::from("https://example.com/roles");
/// let client = ClaimPath::from(["resource_access", "orders.api", "roles"]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimPath(Vec<String>);

impl ClaimPath {
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl From<&str> for ClaimPath {
    fn from(text: &str) -> Self {
        Self(if text.contains("://") {
            vec![text.to_owned()]
        } else {
            text.split('.').map(str::to_owned).collect()
        })
    }
}

impl From<String> for ClaimPath {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl<const N: usize> From<[&str; N]> for ClaimPath {
    fn from(names: [&str; N]) -> Self {
        Self(names.map(str::to_owned).into())
    }
}

/// The issuers of a service, each checked and each once.
#[derive(Debug)]
pub(super) struct Issuers(HashMap<Arc<str>, Issuer>);

impl Issuers {
    pub(super) fn new(issuers: Vec<Issuer>) -> Result<Self, AuthError> {
        if issuers.is_empty() {
            return Err(AuthError::NoIssuer);
        }
        let mut by_name = HashMap::with_capacity(issuers.len());
        for mut issuer in issuers {
            issuer.check()?;
            if issuer.roles.is_empty() {
                issuer.roles.push(ClaimPath::from("roles"));
            }
            if issuer.scopes.is_empty() {
                issuer.scopes = ["scope", "scp"].map(ClaimPath::from).into();
            }
            if let Some(twice) = by_name.insert(Arc::clone(&issuer.name), issuer) {
                return Err(AuthError::IssuerTwice {
                    issuer: twice.name.to_string(),
                });
            }
        }
        Ok(Self(by_name))
    }

    pub(super) fn by_name(&self, name: &str) -> Option<&Issuer> {
        self.0.get(name)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Issuer> {
        self.0.values()
    }
}
