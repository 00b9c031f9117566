//! Tests of the shared counts that need their insides. What only shows with several processes is
//! tested from outside.

mod agreement;
mod leases;
mod shares;

/// Real servers, as the tests from outside start them.
#[allow(dead_code, reason = "others use more of it")]
#[path = "../../../../../tests/redis/server.rs"]
mod server;
