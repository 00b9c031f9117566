//! When addresses are banned.

use std::{num::NonZeroUsize, time::Duration};

use crate::bans::StrikeKind;

/// What the longest ban of a rule is, unless configured.
const MAX_BAN: Duration = Duration::from_secs(24 * 60 * 60);

/// `[bans]`
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BanSettings {
    /// Most networks that are banned or remembered, and most clients that rules count; beyond that
    /// a ban fails. Default: 100,000.
    pub max_entries: NonZeroUsize,
    /// `[[bans.rules]]`: when clients are banned without anybody's doing. Default: never, because
    /// behind a proxy that is not configured all clients have one address.
    pub rules: Vec<BanRuleSettings>,
}

impl Default for BanSettings {
    fn default() -> Self {
        Self {
            max_entries: crate::bans::DEFAULT_MAX_ENTRIES,
            rules: Vec::new(),
        }
    }
}

/// `[[bans.rules]]`: a client that is refused so often in so much time is banned.
///
/// ```toml
/// [[bans.rules]]
/// on = ["authentication", "login"]
/// count = 20
/// within = "1min"
/// ban = "1h"
/// growth = 2         # the next one 2h, then 4h
/// max = "24h"        # and no longer
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BanRuleSettings {
    /// What is counted, all of it together.
    pub on: Vec<StrikeKind>,
    /// The refusal of this number bans. At most 10,000.
    pub count: NonZeroUsize,
    /// The time in which they are counted; from 1 s to 1 day.
    pub within: Duration,
    /// How long the first ban is.
    pub ban: Duration,
    /// How many times as long each further ban is, of a client that was banned in the last `max`.
    /// Default: 2.
    pub growth: NonZeroUsize,
    /// The longest ban, and for how long after its end one is remembered. Default: 24 h, or `ban`
    /// where that is longer.
    pub max: Duration,
}

impl BanRuleSettings {
    /// A rule with the defaults for what is not given.
    pub fn new(on: Vec<StrikeKind>, count: NonZeroUsize, within: Duration, ban: Duration) -> Self {
        Self {
            on,
            count,
            within,
            ban,
            growth: NonZeroUsize::MIN.saturating_add(1),
            max: ban.max(MAX_BAN),
        }
    }
}
