//! Revocations that processes share, with real servers that are killed, stopped and emptied.
//!
//! Of each fault the same is asked: no revoked token is accepted beyond the bound, no request
//! waits longer than it may, and afterwards everything is as before without a restart.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that unwraps is a test that fails"
)]

mod cluster;
mod failover;
mod healthy;
mod instance;
mod login;
mod lost_data;
mod proxy;
mod random;
mod sentinel;
mod server;
mod silence;
