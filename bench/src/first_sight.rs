//! A token that was not seen before, as `jsonwebtoken` and as this crate verify it: the same claims
//! checked, as far as `jsonwebtoken` checks them.

use std::hint::black_box;

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use jsonwebtoken::{DecodingKey, Validation, decode};
use secure_runtime::{Authenticator, AuthenticatorOptions, Clock};

use crate::identity::{Algorithm, Claims, Identity};

/// One token, which is always new.
pub struct FirstSight {
    authenticator: Authenticator,
    headers: HeaderMap,
    token: String,
    decodes: (DecodingKey, Validation),
}

impl FirstSight {
    /// A token that is signed like this.
    ///
    /// # Panics
    ///
    /// It cannot be made.
    pub fn new(algorithm: Algorithm) -> Self {
        let identity = Identity::new(algorithm);
        let verifier = identity.verifier();
        let token = identity.token("customer-4711", "a6d1f3c2-9b1e-4f57-8a55-6f1d2c3b4a59");
        // Without a cache every sight is the first.
        let options = AuthenticatorOptions {
            cache_bytes: 0,
            ..AuthenticatorOptions::default()
        };
        let authenticator = Authenticator::new(vec![verifier.issuer()], Clock::system(), options);
        let field = HeaderValue::try_from(format!("Bearer {token}"));
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, field.expect("the value of a field"));
        Self {
            authenticator: authenticator.expect("an authenticator"),
            decodes: verifier.decoding(),
            headers,
            token,
        }
    }

    /// By this crate.
    ///
    /// # Panics
    ///
    /// The token is refused.
    pub fn authenticate(&self) {
        let caller = self.authenticator.authenticate(black_box(&self.headers));
        black_box(caller.expect("a caller"));
    }

    /// By `jsonwebtoken`.
    ///
    /// # Panics
    ///
    /// The token is refused.
    pub fn decode(&self) {
        let (key, validation) = &self.decodes;
        let claims = decode::<Claims>(black_box(&self.token), key, validation);
        black_box(claims.expect("claims"));
    }
}

impl std::fmt::Debug for FirstSight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FirstSight").finish_non_exhaustive()
    }
}
