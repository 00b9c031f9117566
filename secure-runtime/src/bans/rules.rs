//! When a client is banned without anybody's doing: so many refusals of some kinds in some time.

use std::{sync::Arc, time::Duration};

use super::strikes::Strikes;
use crate::{address::Network, rejection::Refusal, settings::BanRuleSettings};

/// What a client did that a rule counts: `bans.rules[].on`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StrikeKind {
    /// `authentication`: credentials that are wrong, ambiguous or revoked. Missing ones are none.
    Authentication,
    /// `authorization`: a role or scope is missing, or `allow` was false.
    Authorization,
    /// `firewall`: an attack was found in the input. Counted where a handler reports it.
    Firewall,
    /// `input`: what cannot be decoded, breaks a rule, or is too large.
    Input,
    /// `login`: an attempt to log in that failed, at a handler with `login(..)`; and what handlers
    /// report.
    Login,
    /// `not_found`: a path, or a method of it, that does not exist.
    NotFound,
    /// `quota`: too many requests. What a quota `per route` alone refuses does not count: others may
    /// have used it up.
    Quota,
}

impl StrikeKind {
    /// All of them, by name.
    pub(crate) const ALL: [(&'static str, Self); 7] = [
        ("authentication", Self::Authentication),
        ("authorization", Self::Authorization),
        ("firewall", Self::Firewall),
        ("input", Self::Input),
        ("login", Self::Login),
        ("not_found", Self::NotFound),
        ("quota", Self::Quota),
    ];

    /// As settings and logs write it.
    pub fn name(self) -> &'static str {
        let row = Self::ALL.iter().find(|(_, kind)| *kind == self);
        row.map_or("", |(name, _)| name)
    }

    /// The kind of a refusal; `None` where it says nothing bad of the client. A total match, so
    /// that a new row of the table is given a thought.
    pub(super) fn of(refusal: Refusal) -> Option<Self> {
        match refusal {
            Refusal::CredentialsAmbiguous
            | Refusal::CredentialsInvalid
            | Refusal::CredentialsRevoked
            | Refusal::RefreshTokenInvalid => Some(Self::Authentication),
            Refusal::Forbidden | Refusal::Hidden | Refusal::RoleMissing | Refusal::ScopeMissing => {
                Some(Self::Authorization)
            }
            Refusal::BodyMalformed
            | Refusal::BodyTooLarge
            | Refusal::ContentCodingUnsupported
            | Refusal::ContentTypeUnsupported
            | Refusal::HeadMalformed
            | Refusal::HeadTooLarge
            | Refusal::InputInvalid => Some(Self::Input),
            Refusal::LoginFailed => Some(Self::Login),
            Refusal::MethodNotAllowed | Refusal::NotFound => Some(Self::NotFound),
            Refusal::QuotaExceeded => Some(Self::Quota),
            // An old session, a slow network, a client before it logs in, a proxy or a service
            // that is not configured; and who is banned already.
            Refusal::AuthenticationTooOld
            | Refusal::Banned
            | Refusal::BodyTimeout
            | Refusal::CredentialsMissing
            | Refusal::FactorMissing
            | Refusal::HttpsRequired
            | Refusal::NotConfigured
            | Refusal::Overloaded
            | Refusal::Undecided
            | Refusal::Unguarded => None,
        }
    }
}

/// The rules of the settings, and what they count.
pub(super) struct Rules {
    rules: Box<[Rule]>,
    strikes: Strikes,
}

pub(super) struct Rule {
    settings: BanRuleSettings,
    pub(super) reason: Arc<str>,
}

impl Rules {
    /// `None` where there are none: nothing is counted.
    pub(super) fn new(settings: &[BanRuleSettings], max_len: usize) -> Option<Self> {
        let rules = settings.iter().map(|settings| {
            let kinds = settings.on.iter().map(|kind| kind.name());
            let kinds = kinds.collect::<Vec<_>>().join(", ");
            let (count, within) = (settings.count, settings.within.as_secs());
            Rule {
                settings: settings.clone(),
                reason: format!("{count} strikes ({kinds}) in {within} s").into(),
            }
        });
        (!settings.is_empty()).then(|| Self {
            rules: rules.collect(),
            strikes: Strikes::new(max_len),
        })
    }

    /// Counts a strike, and gives the rule that bans for the longest time because of it.
    pub(super) fn strike(
        &self,
        client: Network,
        kind: StrikeKind,
        weight: u16,
        now: u64,
    ) -> Option<&Rule> {
        let due = (0..).zip(&self.rules).filter(|(number, rule)| {
            let settings = &rule.settings;
            if !settings.on.contains(&kind) {
                return false;
            }
            let time = (settings.within, now);
            let count = self.strikes.add(*number, client, weight, time);
            usize::try_from(count).is_ok_and(|count| count >= settings.count.get())
        });
        due.map(|(_, rule)| rule)
            .max_by_key(|rule| rule.settings.ban)
    }

    /// Forgets what was counted of a client: it was banned for that, or forgiven.
    pub(super) fn forget(&self, client: Network) {
        for (number, _) in (0..).zip(&self.rules) {
            self.strikes.forget(number, client);
        }
    }

    #[cfg(test)]
    pub(super) fn counted(&self) -> usize {
        self.strikes.len()
    }
}

impl Rule {
    /// How long the ban is that makes so many in a row.
    pub(super) fn duration(&self, level: u32) -> Duration {
        let BanRuleSettings {
            ban, growth, max, ..
        } = self.settings;
        let factor = u32::try_from(growth.get())
            .unwrap_or(u32::MAX)
            .checked_pow(level.saturating_sub(1));
        let grown = factor.and_then(|factor| ban.checked_mul(factor));
        grown.unwrap_or(max).min(max)
    }

    /// How long after a ban the next one is longer.
    pub(super) fn memory(&self) -> Duration {
        self.settings.max
    }
}
