//! Runtime of `#[secured]`.

mod admission;
mod auth;
mod authorization;
mod clock;
mod input;
mod policy;
mod rejection;
mod security;

pub use admission::Admitted;
pub use auth::{
    AuthError, Authenticator, AuthenticatorOptions, ClaimPath, Claims, Credentials, EcdsaAlgorithm,
    HmacAlgorithm, Issuer, KeyError, MAX_TOKEN_BYTES, Principal, RsaAlgorithm, VerifyingKey,
};
pub use authorization::Decision;
pub use clock::{Clock, ClockHand};
pub use input::{Input, Unvalidated};
pub use policy::{
    Access, AllowRule, InputKind, InputPolicy, Per, Policy, Quota, RoutePattern, Rule,
};
pub use rejection::{InputError, Refusal, Rejection};
/// Secret bytes, of which nothing is ever printed.
pub use secrecy::SecretSlice;
pub use security::Security;
