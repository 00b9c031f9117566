//! Runtime of `#[secured]`.

mod address;
mod admission;
mod auth;
mod authorization;
mod clock;
pub mod danger;
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
mod routes;
mod security;
mod settings;
mod shield;
pub mod testing;

pub use address::*;
pub use admission::Admitted;
pub use auth::Issuer;
pub use auth::Principal;
pub use authorization::Decision;
pub use authorization::IntoDecision;
pub use clock::{Clock, ClockHand};
pub use error::Error;
pub use input::{Extracted, Input, Unvalidated, Validated};
pub use lock::{Change, Difference};
pub use manifest::{Manifest, Route};
pub use policy::{
    Access, AllowRule, InputKind, InputPolicy, Per, Policy, Quota, RoutePattern, Rule,
};
pub use rejection::{InputError, Refusal, Rejection};
pub use response::Secured;
pub use routes::{Routes, SecuredHandler, SecuredService};
pub use security::{Security, SecurityBuilder};
pub use settings::Settings;
pub use shield::Shield;
