//! The runtime as its users see it, one topic a file.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod accounts;
mod allow;
mod audit;
mod bans;
mod claims;
mod credentials;
mod documents;
mod fuzz;
mod input;
mod limits;
mod load;
mod login;
mod manifest;
mod order;
mod rejections;
mod revocation;
mod rig;
mod rules;
mod settings;
mod shapes;
mod tokens;
