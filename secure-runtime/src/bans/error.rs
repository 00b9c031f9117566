//! Why a ban was not made.

use super::network::{WIDEST_V4, WIDEST_V6};
use crate::rejection::{Refusal, Rejection};

/// Why a ban was not made.
///
/// A handler may return it as a [`Rejection`]: the caller is answered 503, and the log says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BanError {
    /// The time is less than a second or more than 366 days.
    #[error("a ban lasts from 1 s to 366 days")]
    Duration,
    /// There is no room for another ban.
    #[error("{max_entries} bans are held and none has ended: raise `bans.max_entries`")]
    Full {
        /// As configured.
        max_entries: usize,
    },
    /// The reason is empty, longer than 200 bytes, or has control characters.
    #[error("the reason of a ban is a text of up to 200 bytes without control characters")]
    Reason,
    /// The network holds a trusted proxy: to ban it is to ban everybody behind it.
    #[error(
        "the network has an address of `client_address.trusted_proxies`, which are never banned"
    )]
    TrustedProxy,
    /// The network is so wide that to ban it must be a mistake.
    #[error("a banned network has at least {WIDEST_V4} bits of IPv4 or {WIDEST_V6} of IPv6")]
    Wide,
}

impl From<BanError> for Rejection {
    fn from(error: BanError) -> Self {
        Self::new(Refusal::Undecided, format!("no ban was made: {error}"))
    }
}
