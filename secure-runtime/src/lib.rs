//! Runtime of `#[secured]`.
pub mod clock;
pub mod policy;
pub use clock::{Clock, ClockHand};
