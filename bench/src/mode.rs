//! The names of what is measured.

/// One thing that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The clone of the request that every extractor makes.
    Bare,
    /// Admission by a policy that demands nothing.
    Empty,
    /// Admission by a policy with one quota per address.
    Quota,
    /// Admission by a policy that wants any caller.
    Token,
    /// Admission by a policy that demands nothing, of a client whose address a proxy names.
    Proxied,
    /// Admission by a policy that wants a caller of a role.
    Role,
    /// Admission by a policy that wants a scope.
    Scope,
    /// Admission by a policy with everything.
    Full,
    /// Refusal of a caller without credentials.
    Refused401,
    /// Refusal of a caller whose credentials are no token.
    RefusedInvalid,
    /// Refusal of a caller whose token is forged, and was refused before.
    RefusedKnown,
    /// Refusal of a caller whose quota is used up.
    Refused429,
    /// A whole request in an app without this crate.
    WholeBare,
    /// A whole request in an app without this crate, with the fields that a guarded answer has.
    WholeBareFields,
    /// A whole request to a handler that demands nothing.
    WholeEmpty,
    /// A whole request to a handler that wants a role and has one quota.
    WholeGuarded,
    /// A whole request to a handler that demands everything.
    WholeFull,
    /// A whole request to a handler that shares its quota and its revocations in Redis.
    #[cfg(feature = "redis")]
    WholeRedis,
    /// A whole request through checks by hand.
    WholeHand,
    /// A whole request without credentials.
    WholeRefused401,
    /// A whole request whose credentials are no token.
    WholeRefusedInvalid,
    /// A whole request with a forged token that was refused before.
    WholeRefusedKnown,
    /// The same, behind a proxy.
    WholeRefusedProxied,
    /// A whole request whose quota is used up.
    WholeRefused429,
    /// A whole request of a client that is banned, among 100,000 bans.
    WholeBanned,
    /// A whole request to a handler that demands nothing, while 100,000 others are banned.
    WholeOthersBanned,
    /// A whole request with a body, in an app without this crate.
    WholeBareDecode,
    /// A whole request with a body to a handler that wants a role and has one quota.
    WholePost,
    /// A whole request with a body through checks by hand.
    WholeHandPost,
    /// A token that was not seen before, as `jsonwebtoken` verifies it.
    FirstSightDecode,
    /// A token that was not seen before.
    FirstSight,
}

impl Mode {
    /// All of them, in the order of the tables.
    pub const ALL: &[Self] = &[
        Self::Bare,
        Self::Empty,
        Self::Proxied,
        Self::Quota,
        Self::Token,
        Self::Role,
        Self::Scope,
        Self::Full,
        Self::Refused401,
        Self::RefusedInvalid,
        Self::RefusedKnown,
        Self::Refused429,
        Self::WholeBare,
        Self::WholeBareFields,
        Self::WholeEmpty,
        Self::WholeGuarded,
        Self::WholeFull,
        #[cfg(feature = "redis")]
        Self::WholeRedis,
        Self::WholeHand,
        Self::WholeRefused401,
        Self::WholeRefusedInvalid,
        Self::WholeRefusedKnown,
        Self::WholeRefusedProxied,
        Self::WholeRefused429,
        Self::WholeBanned,
        Self::WholeOthersBanned,
        Self::WholeBareDecode,
        Self::WholePost,
        Self::WholeHandPost,
        Self::FirstSightDecode,
        Self::FirstSight,
    ];

    /// The mode of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|mode| mode.name() == name)
    }

    /// As the command line and the tables write it.
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// What it is, in a few words.
    pub fn description(self) -> &'static str {
        self.row().1
    }

    /// What it is compared with.
    pub fn baseline(self) -> Self {
        self.row().2
    }

    fn row(self) -> (&'static str, &'static str, Self) {
        use Mode::*;
        match self {
            Bare => ("bare", "no admission: the clone of the request", Bare),
            Empty => ("empty", "`public`, no quota", Bare),
            Quota => ("quota", "`public`, one quota per address", Bare),
            Token => ("token", "any caller, token known", Bare),
            Proxied => ("proxied", "`public`, no quota, behind a proxy", Bare),
            Role => ("role", "one role, token known", Bare),
            Scope => ("scope", "one scope, token known", Bare),
            Full => (
                "full",
                "roles, scopes, age, three quotas, token known",
                Bare,
            ),
            Refused401 => ("refused-401", "no credentials", Bare),
            RefusedInvalid => ("refused-401-invalid", "not a token", Bare),
            RefusedKnown => ("refused-401-known", "forged token, refusal known", Bare),
            Refused429 => ("refused-429", "quota used up", Bare),
            WholeBare => ("whole-bare", "no guard, no shield", WholeBare),
            WholeBareFields => (
                "whole-bare-fields",
                "no guard: eight fields, as constants",
                WholeBare,
            ),
            WholeEmpty => ("whole-empty", "`public`, no quota", WholeBare),
            WholeGuarded => (
                "whole-guarded",
                "one role, one quota per user, token known",
                WholeBare,
            ),
            WholeFull => (
                "whole-full",
                "roles, scopes, age, three quotas, token known",
                WholeBare,
            ),
            #[cfg(feature = "redis")]
            WholeRedis => (
                "whole-redis",
                "one role, revocations and one leased quota in Redis, token known",
                WholeBare,
            ),
            WholeHand => (
                "whole-hand",
                "checks by hand: one role, one quota per address, HS256",
                WholeBare,
            ),
            WholeRefused401 => ("whole-refused-401", "no credentials", WholeBare),
            WholeRefusedInvalid => ("whole-refused-401-invalid", "not a token", WholeBare),
            WholeRefusedKnown => (
                "whole-refused-401-known",
                "forged token, refusal known",
                WholeBare,
            ),
            WholeRefusedProxied => (
                "whole-refused-401-proxied",
                "forged token, refusal known, behind a proxy",
                WholeBare,
            ),
            WholeRefused429 => ("whole-refused-429", "quota used up", WholeBare),
            WholeBanned => ("whole-banned", "client banned, of 100,000", WholeBare),
            WholeOthersBanned => (
                "whole-others-banned",
                "`public`, no quota, 100,000 others banned",
                WholeBare,
            ),
            WholeBareDecode => (
                "whole-bare-decode",
                "POST of 300 bytes: decoded, validated",
                WholeBareDecode,
            ),
            WholePost => (
                "whole-post",
                "the POST, one role, one quota per address, token known",
                WholeBareDecode,
            ),
            WholeHandPost => (
                "whole-hand-post",
                "the POST, checks by hand, HS256",
                WholeBareDecode,
            ),
            FirstSightDecode => (
                "first-sight-jsonwebtoken",
                "HS256, by `jsonwebtoken::decode`",
                FirstSightDecode,
            ),
            FirstSight => ("first-sight", "HS256, token never seen", FirstSightDecode),
        }
    }
}
