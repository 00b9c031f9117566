//! The server from outside, over real sockets: one topic a file.
//!
//! Everything goes to 127.0.0.1, on ports that the system picks. Time passes for real here, so what
//! waits for a time limit uses the shortest that the setting allows.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod child;
#[cfg(unix)]
mod connections;
#[cfg(target_os = "linux")]
mod descriptors;
#[cfg(target_os = "linux")]
mod entrance;
mod guessing;
mod load;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(unix)]
mod oracle;
mod panics;
mod paths;
mod proxy_protocol;
mod refused_uploads;
mod rig;
#[cfg(unix)]
mod signals;
mod slow;
mod smuggling;
mod tls;
#[cfg(unix)]
mod unix_socket;
