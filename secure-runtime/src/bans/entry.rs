//! What is told of bans.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use ipnet::IpNet;

/// One ban that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BanEntry {
    /// Who is refused.
    pub network: IpNet,
    /// For how much longer.
    pub remaining: Duration,
    /// When it ends, by this machine's clock.
    pub until: SystemTime,
    /// How many bans in a row rules have made of this network; 0 for one that was made by a call.
    pub level: u32,
    /// As it was given, or what the rule has counted.
    pub reason: Arc<str>,
}

/// How many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BanCounts {
    /// Bans that have not ended.
    pub bans: usize,
    /// Bans that have ended and are remembered, because the next one would be longer.
    pub remembered: usize,
    /// Bans and lifts that the shared store has not been told yet.
    pub untold: usize,
}
