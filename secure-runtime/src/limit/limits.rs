//! What a service can say about its quotas.

use std::{num::NonZeroU32, time::Duration};

use super::RateLimiter;

/// How quotas are counted together with other processes, for the metrics of a service.
///
/// ```
/// use secure_runtime::Security;
///
/// # fn main() -> Result<(), secure_runtime::Error> {
/// let security = Security::builder().build()?;
/// // Without `[redis]` in the settings there is nothing to be without.
/// assert!(security.limits().degraded().is_zero());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    #[cfg_attr(
        not(feature = "redis"),
        expect(dead_code, reason = "nothing is counted together without it")
    )]
    limiter: &'a RateLimiter,
}

impl<'a> Limits<'a> {
    pub(crate) fn of(limiter: &'a RateLimiter) -> Self {
        Self { limiter }
    }

    /// How long quotas could not be counted together because Redis did not answer, since the start
    /// of the process: each time from the first question without an answer until a sign of life,
    /// of which one is asked for each second. Never less than before; zero without `[redis]`.
    pub fn degraded(&self) -> Duration {
        #[cfg(feature = "redis")]
        if let Some(shared) = &self.limiter.shared {
            return shared.degraded();
        }
        Duration::ZERO
    }

    /// Whether that is so at the moment.
    pub fn is_degraded(&self) -> bool {
        #[cfg(feature = "redis")]
        if let Some(shared) = &self.limiter.shared {
            return shared.is_degraded();
        }
        false
    }

    /// By how many processes quotas are divided where Redis does not answer: `limits.instances` of
    /// the settings, or the most that Redis has counted in the last minute in which it answered.
    /// `None` where neither is known, as in the first seconds of a process, and without `[redis]`.
    pub fn instances(&self) -> Option<NonZeroU32> {
        #[cfg(feature = "redis")]
        if let Some(shared) = &self.limiter.shared {
            return shared.instances();
        }
        None
    }
}
