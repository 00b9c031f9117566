use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use rcgen::PublicKeyData;
use serde_json::{Map, Value, json};

use crate::{
    auth::{Issuer, VerifyingKey},
    clock::Clock,
};

/// An issuer of tokens for tests and demonstrations, with a key of its own (EdDSA).
#[derive(Clone)]
pub struct Tokens {
    audience: String,
    clock: Clock,
    issuer: String,
    private_pem: String,
    public_pem: String,
}

impl Tokens {
    /// An issuer with a new key, `https://issuer.test`, whose tokens are for `service.test`.
    pub fn new(clock: &Clock) -> Self {
        Self::named("https://issuer.test", "service.test", clock)
    }

    /// An issuer of this name with a new key, whose tokens are for this audience.
    pub fn named(issuer: &str, audience: &str, clock: &Clock) -> Self {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("a key is generated");
        Self::with_key(
            issuer,
            audience,
            &pem("PRIVATE KEY", key.serialize_der()),
            &pem("PUBLIC KEY", key.subject_public_key_info()),
            clock,
        )
    }

    /// An issuer with a key of yours, in PEM.
    pub fn with_key(
        issuer: &str,
        audience: &str,
        private_pem: &str,
        public_pem: &str,
        clock: &Clock,
    ) -> Self {
        Self {
            audience: audience.to_owned(),
            clock: clock.clone(),
            issuer: issuer.to_owned(),
            private_pem: private_pem.to_owned(),
            public_pem: public_pem.to_owned(),
        }
    }

    /// What a service is given to accept these tokens.
    pub fn issuer(&self) -> Issuer {
        let key = VerifyingKey::eddsa(self.public_pem.as_bytes()).expect("the key is Ed25519");
        Issuer::new(&self.issuer, &self.audience).key(key)
    }

    /// A valid token of `subject`, with neither roles nor scopes, good for five minutes.
    pub fn token(&self, subject: &str) -> Token {
        static COUNT: AtomicU64 = AtomicU64::new(1);
        let now = self.clock.unix_seconds();
        let claims = json!({
            "iss": self.issuer,
            "aud": self.audience,
            "sub": subject,
            "client_id": "test",
            "jti": format!("test-{}", COUNT.fetch_add(1, Ordering::Relaxed)),
            "iat": now,
            "auth_time": now,
            "exp": now + 300,
        });
        let (Value::Object(claims), Value::Object(header)) =
            (claims, json!({ "alg": "EdDSA", "typ": "at+jwt" }))
        else {
            unreachable!("`json!` of braces is an object")
        };
        Token {
            claims,
            header,
            now,
            private_pem: self.private_pem.clone(),
        }
    }
}

fn pem(label: &str, der: Vec<u8>) -> String {
    pem::encode(&pem::Pem::new(label, der))
}

/// A token that has not been signed yet.
#[derive(Clone)]
pub struct Token {
    claims: Map<String, Value>,
    header: Map<String, Value>,
    now: u64,
    private_pem: String,
}

impl Token {
    /// Adds a role.
    pub fn role(mut self, role: &str) -> Self {
        let roles = self.claims.entry("roles").or_insert_with(|| json!([]));
        if let Value::Array(roles) = roles {
            roles.push(json!(role));
        }
        self
    }

    /// Adds a scope.
    pub fn scope(mut self, scope: &str) -> Self {
        let scopes = match self.claims.get("scope").and_then(Value::as_str) {
            Some(scopes) => format!("{scopes} {scope}"),
            None => scope.to_owned(),
        };
        self.claims.insert("scope".to_owned(), json!(scopes));
        self
    }

    /// Adds a factor that the caller authenticated with: a value of `amr`.
    pub fn factor(mut self, factor: &str) -> Self {
        let factors = self.claims.entry("amr").or_insert_with(|| json!([]));
        if let Value::Array(factors) = factors {
            factors.push(json!(factor));
        }
        self
    }

    /// Lets the token expire this long after it was made.
    pub fn expires_in(self, time: Duration) -> Self {
        let exp = self.now + time.as_secs();
        self.claim("exp", exp)
    }

    /// Lets the caller have authenticated this long before the token was made.
    pub fn authenticated(self, ago: Duration) -> Self {
        let auth_time = self.now.saturating_sub(ago.as_secs());
        self.claim("auth_time", auth_time)
    }

    /// Sets any claim to any value.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// Leaves a claim out.
    pub fn without(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// Sets any member of the header to any value.
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.to_owned(), value.into());
        self
    }

    /// The token in its compact form, as it is sent.
    pub fn sign(&self) -> String {
        let encode = |part: &Map<String, Value>| {
            URL_SAFE_NO_PAD.encode(serde_json::to_vec(part).expect("a map is JSON"))
        };
        let message = format!("{}.{}", encode(&self.header), encode(&self.claims));
        let key = EncodingKey::from_ed_pem(self.private_pem.as_bytes()).expect("an Ed25519 key");
        let signature =
            crypto::sign(message.as_bytes(), &key, Algorithm::EdDSA).expect("a signature");
        format!("{message}.{signature}")
    }
}

/// Neither keys nor claims are shown.
impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

/// Neither keys nor claims are shown.
impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").finish_non_exhaustive()
    }
}
