//! Tokens that are refused although they have not expired.

#[cfg(feature = "redis")]
pub mod redis;
