//! Data that has to be kept well.

#[cfg(feature = "passwords")]
pub mod password;
