//! Revocations and bans that processes share, with real servers that are killed, stopped and emptied.
//!
//! Of each fault the same is asked: no revoked token is accepted beyond the bound, no request
//! waits longer than it may, and afterwards everything is as before without a restart.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that unwraps is a test that fails"
)]

mod bans;
mod chance;
mod cluster;
mod failover;
mod healthy;
mod instance;
mod limits;
mod log;
mod login;
mod lost_data;
mod one_time_codes;
mod proxy;
mod random;
mod sentinel;
mod server;
mod sessions;
mod silence;
mod told;
