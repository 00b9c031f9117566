//! Runtime of `#[secured]`.

mod address;
mod admission;
mod auth;
mod authorization;
mod clock;
mod input;
mod limit;
mod policy;
mod rejection;
mod security;

pub use address::{ClientAddress, ClientAddresses, ForwardingHeader, TrustsEveryone};
pub use admission::Admitted;
pub use auth::Principal;
pub use authorization::Decision;
pub use clock::{Clock, ClockHand};
pub use input::{Input, Unvalidated};
pub use policy::{
    Access, AllowRule, InputKind, InputPolicy, Per, Policy, Quota, RoutePattern, Rule,
};
pub use rejection::{InputError, Refusal, Rejection};
pub use security::Security;
