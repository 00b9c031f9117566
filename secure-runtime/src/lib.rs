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
pub use auth::Principal;
pub use authorization::Decision;
pub use clock::{Clock, ClockHand};
pub use input::{Extracted, Input, Unvalidated, Validated};
pub use policy::{
    Access, AllowRule, InputKind, InputPolicy, Per, Policy, Quota, RoutePattern, Rule,
};
pub use rejection::{InputError, Refusal, Rejection};
pub use security::Security;
