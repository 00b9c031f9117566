//! Runtime of `#[secured]`.

mod admission;
mod auth;
mod authorization;
mod clock;
mod error;
mod input;
mod policy;
mod rejection;
mod security;
pub mod settings;
mod tls;

pub use admission::Admitted;
pub use auth::Principal;
pub use authorization::Decision;
pub use clock::{Clock, ClockHand};
pub use error::{Error, Mistake, Mistakes};
pub use input::{Input, Unvalidated};
pub use policy::{
    Access, AllowRule, InputKind, InputPolicy, Per, Policy, Quota, RoutePattern, Rule,
};
pub use rejection::{InputError, Refusal, Rejection};
pub use security::Security;
pub use settings::Settings;
pub use tls::DevelopmentCertificate;
