//! What is compared with what, and the goals.

use secure_bench::{Algorithm, rig::pairs::Pairs};

use crate::serve::Stack;

/// A request to a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) stack: Stack,
    pub(crate) algorithm: Algorithm,
    pub(crate) https: bool,
    pub(crate) path: &'static str,
    pub(crate) sends: Sends,
    pub(crate) expected: u16,
}

/// What is in the requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sends {
    /// A body of 300 bytes, and tokens in rotation.
    Body { tokens: usize },
    /// So many tokens of which the signature is wrong, in rotation, from many addresses.
    Forgeries(usize),
    /// No credentials.
    Nothing,
    /// Tokens in rotation.
    Tokens(usize),
}

/// What is compared with one baseline.
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) baseline: Target,
    pub(crate) rows: Vec<Row>,
}

pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) target: Target,
    pub(crate) goal: Goal,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Goal {
    /// Requests a second: at least this share of the baseline's.
    Rate(f64),
    /// The same, and what the server computes for a request is at most this share.
    RateAndComputed(f64, f64),
    /// What the server computes for a request: at most so many seconds more.
    More(f64),
    /// Shown for comparison.
    None,
}

impl Goal {
    /// Whether the medians are there; `None` if nothing was undisturbed, or if there is no goal.
    pub(crate) fn is_met(self, rate: Option<f64>, computed: f64, more: f64) -> Option<bool> {
        match self {
            Self::Rate(goal) => rate.map(|rate| rate >= goal),
            Self::RateAndComputed(goal, most) => rate.map(|rate| rate >= goal && computed <= most),
            Self::More(most) => Some(more <= most),
            Self::None => None,
        }
    }
}

/// A row that was measured.
pub(crate) struct Measured {
    pub(crate) name: String,
    pub(crate) goal: Goal,
    pub(crate) pairs: Pairs,
}

/// In rotation, where nothing else is said.
pub(crate) const TOKENS: usize = 1_000;
const MANY_TOKENS: usize = 100_000;

const fn get(stack: Stack, path: &'static str) -> Target {
    Target {
        stack,
        algorithm: Algorithm::Hs256,
        https: false,
        path,
        sends: Sends::Tokens(TOKENS),
        expected: 200,
    }
}

const fn row(name: &'static str, target: Target, goal: Goal) -> Row {
    Row { name, target, goal }
}

/// Every row, of groups with a baseline each.
pub(crate) fn groups() -> Vec<Group> {
    let items = |stack| get(stack, "/items");
    let shared = |path| get(Stack::SecuredRedis, path);
    let scarce = |path| get(Stack::SecuredRedisScarce, path);
    let signed = |stack, algorithm| Target {
        algorithm,
        ..items(stack)
    };
    let tls = |stack| Target {
        https: true,
        ..items(stack)
    };
    let post = |stack| Target {
        sends: Sends::Body { tokens: TOKENS },
        ..items(stack)
    };
    let refused = |stack, path, sends, expected| Target {
        sends,
        expected,
        ..get(stack, path)
    };
    let by_hand = |name, algorithm, goal| Group {
        name,
        baseline: signed(Stack::Hand, algorithm),
        rows: vec![row(
            "secured",
            signed(Stack::Secured, algorithm),
            Goal::Rate(goal),
        )],
    };
    vec![
        Group {
            name: "bare GET",
            baseline: items(Stack::Bare),
            rows: vec![
                row(
                    "secured",
                    items(Stack::Secured),
                    Goal::RateAndComputed(0.95, 1.07),
                ),
                row(
                    "secured, `limits.fields = \"scarce\"`",
                    items(Stack::SecuredScarce),
                    Goal::None,
                ),
                row("secured-redis", items(Stack::SecuredRedis), Goal::Rate(0.9)),
                row("bare-fields", get(Stack::Bare, "/fields"), Goal::None),
                row("hand", items(Stack::Hand), Goal::None),
            ],
        },
        Group {
            name: "bare-fields GET",
            baseline: get(Stack::Bare, "/fields"),
            rows: vec![
                row("secured", items(Stack::Secured), Goal::None),
                row("secured-redis", items(Stack::SecuredRedis), Goal::None),
            ],
        },
        Group {
            name: "bare GET over HTTPS",
            baseline: tls(Stack::Bare),
            rows: vec![
                row("secured", tls(Stack::Secured), Goal::None),
                row(
                    "bare-fields",
                    Target {
                        path: "/fields",
                        ..tls(Stack::Bare)
                    },
                    Goal::None,
                ),
            ],
        },
        Group {
            name: "bare-decode POST",
            baseline: post(Stack::Bare),
            rows: vec![row("secured", post(Stack::Secured), Goal::Rate(0.95))],
        },
        by_hand("hand GET, HS256", Algorithm::Hs256, 2.0),
        by_hand("hand GET, RS256", Algorithm::Rs256, 5.0),
        by_hand("hand GET, EdDSA", Algorithm::EdDsa, 8.0),
        by_hand("hand GET, ES256", Algorithm::Es256, 12.0),
        Group {
            name: "hand GET over HTTPS, HS256",
            baseline: tls(Stack::Hand),
            rows: vec![row("secured", tls(Stack::Secured), Goal::None)],
        },
        Group {
            name: "hand POST, HS256",
            baseline: post(Stack::Hand),
            rows: vec![row("secured", post(Stack::Secured), Goal::None)],
        },
        Group {
            name: "hand-redis GET",
            baseline: items(Stack::HandRedis),
            rows: vec![row(
                "secured-redis",
                items(Stack::SecuredRedis),
                Goal::Rate(3.5),
            )],
        },
        Group {
            name: "bare handler that answers 429",
            baseline: refused(Stack::Bare, "/429", Sends::Nothing, 429),
            rows: vec![
                row(
                    "bare-fields",
                    refused(Stack::Bare, "/429/fields", Sends::Nothing, 429),
                    Goal::None,
                ),
                row(
                    "429, quota used up",
                    refused(Stack::Secured, "/rare", Sends::Nothing, 429),
                    Goal::Rate(0.9),
                ),
                row(
                    "401, no credentials",
                    refused(Stack::Secured, "/items", Sends::Nothing, 401),
                    Goal::Rate(0.9),
                ),
                row(
                    "401, refusal known",
                    refused(
                        Stack::SecuredProxied,
                        "/items",
                        Sends::Forgeries(TOKENS),
                        401,
                    ),
                    Goal::Rate(0.9),
                ),
                row(
                    "401, each forged token new",
                    refused(
                        Stack::SecuredProxied,
                        "/items",
                        Sends::Forgeries(MANY_TOKENS),
                        401,
                    ),
                    Goal::None,
                ),
            ],
        },
        Group {
            name: "bare-fields that answers 429",
            baseline: refused(Stack::Bare, "/429/fields", Sends::Nothing, 429),
            rows: vec![
                row(
                    "429, quota used up",
                    refused(Stack::Secured, "/rare", Sends::Nothing, 429),
                    Goal::None,
                ),
                row(
                    "401, no credentials",
                    refused(Stack::Secured, "/items", Sends::Nothing, 401),
                    Goal::None,
                ),
            ],
        },
        Group {
            name: "secured GET, 1,000 tokens",
            baseline: items(Stack::SecuredLarge),
            rows: vec![row(
                "100,000 tokens",
                Target {
                    sends: Sends::Tokens(MANY_TOKENS),
                    ..items(Stack::SecuredLarge)
                },
                Goal::More(0.5e-6),
            )],
        },
        Group {
            name: "secured GET without a quota",
            baseline: shared("/empty"),
            rows: vec![
                row("quota in memory", shared("/memory"), Goal::Rate(0.97)),
                row("leased quota", shared("/leased"), Goal::Rate(0.95)),
                row(
                    "quota in memory, told of when scarce",
                    scarce("/memory"),
                    Goal::None,
                ),
                row(
                    "leased quota, told of when scarce",
                    scarce("/leased"),
                    Goal::None,
                ),
            ],
        },
        Group {
            name: "Lua script by hand, unguarded",
            baseline: shared("/by-hand/lua"),
            rows: vec![
                row("exact quota in Redis", shared("/exact"), Goal::None),
                row(
                    "commands of actix-limitation",
                    shared("/by-hand/commands"),
                    Goal::None,
                ),
            ],
        },
        Group {
            name: "secured GET without revocation",
            baseline: shared("/off"),
            rows: vec![
                row("revocation = \"2s\"", shared("/on"), Goal::Rate(0.97)),
                row("EXISTS by hand", shared("/exists"), Goal::None),
            ],
        },
    ]
}
