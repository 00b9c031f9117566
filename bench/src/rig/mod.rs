//! What measures servers: processes of one's own, load, and pairs of samples.

pub mod client;
pub mod load;
pub mod pairs;
pub mod process;
pub mod redis;

/// Of this module.
pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;
