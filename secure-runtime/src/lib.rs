//! Runtime of `#[secured]`.

mod address;
mod admission;
mod auth;
mod authorization;
mod clock;
mod error;
mod input;
mod limit;
mod lock;
mod manifest;
mod policy;
#[doc(hidden)]
pub mod private;
mod rejection;
mod response;
mod revocation;
mod routes;
mod security;
mod server;
pub mod settings;
mod shield;
pub mod testing;
pub mod tls;

pub use address::{ClientAddress, ClientAddresses, ForwardingHeader, TrustsEveryone};
pub use admission::Admitted;
pub use auth::{
    AuthError, Authenticator, AuthenticatorOptions, ClaimPath, Claims, Credentials, EcdsaAlgorithm,
    HmacAlgorithm, Issuer, KeyError, MAX_TOKEN_BYTES, Principal, RsaAlgorithm, VerifyingKey,
};
pub use authorization::{Decision, IntoDecision};
pub use clock::{Clock, ClockHand};
pub use error::{Error, Mistake, Mistakes};
pub use input::{Extracted, Input, Unvalidated, Validated};
pub use lock::{Change, Difference};
pub use manifest::{Manifest, Route};
pub use policy::{
    Access, AllowRule, InputKind, InputPolicy, Per, Policy, Quota, Revocation, RoutePattern, Rule,
};
pub use rejection::{InputError, Refusal, Rejection};
pub use response::Secured;
pub use revocation::{
    RevocationCounts, RevocationEntry, RevocationError, RevocationList, RevocationTarget,
};
pub use routes::{Routes, SecuredHandler, SecuredService};
/// Secret bytes, of which nothing is ever printed.
pub use secrecy::SecretSlice;
pub use security::{Security, SecurityBuilder};
pub use server::{Running, Server};
pub use settings::Settings;
pub use shield::Shield;

pub use secure_macros::secured;
