//! Properties of the grammar and of the arithmetic.

use proptest::prelude::*;

use super::{HANDLER, VOCABULARY, calls_the_handler, expand, messages};
use crate::units::{self, LONGEST_AGE};
use crate::vocabulary::Source;

/// Pieces of attributes, right and wrong.
const PIECES: &[&str] = &[
    "role",
    "scope",
    "public",
    "rate",
    "revocation",
    "off",
    "outage",
    "allow",
    "hide",
    "max_age",
    "max_body",
    "body_timeout",
    "crate",
    "roel",
    "=",
    "=",
    "=",
    "=",
    ",",
    ",",
    ",",
    ",",
    "\"admin\"",
    "\"customer\"",
    "\"orders:read\"",
    "\"10/min\"",
    "\"5/s per route\"",
    "\"login\"",
    "\"15min\"",
    "\"1KB\"",
    "\"\"",
    "\"é\"",
    "any(\"admin\", \"customer\")",
    "all(",
    ")",
    "[",
    "]",
    "id",
    "id > 0",
    "5",
    "x::y",
    "::<",
    "#",
    "'a'",
    "'a",
    "|",
    "async { id }",
    "any()",
    "{",
    "}",
    "return",
];

/// Fewer in a normal run than by default: the soup is parsed by syn, without optimisation.
fn cases() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(1_000)
    }
}

/// Rights the brackets of a text, so that it lexes.
fn balanced(pieces: &[&str]) -> String {
    let mut open = Vec::new();
    let mut text = String::new();
    for piece in pieces {
        match *piece {
            "all(" => open.push(")"),
            "[" => open.push("]"),
            "{" => open.push("}"),
            ")" | "]" | "}" => {
                if let Some(close) = open.pop() {
                    text.push_str(close);
                }
                continue;
            }
            _ => {}
        }
        text.push_str(piece);
        text.push(' ');
    }
    while let Some(close) = open.pop() {
        text.push_str(close);
    }
    text
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn any_attribute_is_an_expansion_or_an_error(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..14),
    ) {
        let attribute = balanced(&pieces);
        let output = expand(&attribute, HANDLER, Source::Text(VOCABULARY));
        prop_assert_eq!(messages(&output).is_empty(), calls_the_handler(&output), "{}", attribute);
        prop_assert!(syn::parse2::<syn::File>(output).is_ok(), "{}", attribute);
    }

    #[test]
    fn any_vocabulary_is_read_or_refused(
        lines in prop::collection::vec(prop::sample::select(&[
            "[roles]", "[scopes]", "[rates]", "[defaults]", "a = []", "b = [\"a\"]", "c = [\"d\"]",
            "d = [\"c\", \"b\"]", "rate = \"a\"", "rate = [\"1/s\", \"e\"]", "e = \"5/min\"",
            "max_body = \"1KB\"", "body_timeout = \"9s\"", "\"x y\" = \"z\"", "= 5", "[[roles]]",
        ][..]), 0..9),
    ) {
        let text: &'static str = lines.join("\n").leak();
        let output = expand("", HANDLER, Source::Text(text));
        prop_assert_eq!(messages(&output).is_empty(), calls_the_handler(&output), "{}", text);
    }

    #[test]
    fn durations_are_their_product(number in any::<u64>(), unit in 0..5_usize) {
        let (unit, factor) = [("s", 1), ("min", 60), ("h", 3_600), ("hour", 3_600), ("day", 86_400)][unit];
        for number in [number, number % 500] {
            let expected = number.checked_mul(factor).filter(|seconds| (1..=LONGEST_AGE).contains(seconds));
            prop_assert_eq!(units::duration(&format!("{number}{unit}"), LONGEST_AGE).ok(), expected);
        }
    }

    #[test]
    fn sizes_are_their_product(number in any::<u64>(), unit in 0..7_usize) {
        let (unit, factor) = [
            ("B", 1), ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000),
            ("KiB", 1_024), ("MiB", 1_048_576), ("GiB", 1_073_741_824),
        ][unit];
        for number in [number, number % 500] {
            let expected = number.checked_mul(factor).filter(|bytes| *bytes > 0);
            prop_assert_eq!(units::size(&format!("{number}{unit}")).ok(), expected);
        }
    }

    #[test]
    fn no_text_is_too_strange(text in "\\PC{0,12}", quota in "[0-9/ a-z]{0,16}") {
        for text in [text, quota] {
            let _ = (units::duration(&text, LONGEST_AGE), units::size(&text));
            if let Ok(quota) = units::quota(&text) {
                prop_assert!(quota.limit > 0 && quota.burst > 0 && quota.period > 0);
            }
        }
    }

    #[test]
    fn quotas_mean_what_they_say(
        limit in 0..5_000_000_u64,
        count in prop::option::of(0..40_u64),
        unit in 0..5_usize,
        per in prop::option::of(0..3_usize),
        burst in prop::option::of(0..6_000_000_000_u64),
    ) {
        let (unit, factor) = [("s", 1), ("min", 60), ("h", 3_600), ("hour", 3_600), ("day", 86_400)][unit];
        let written = count.map(|count| count.to_string()).unwrap_or_default();
        let mut text = format!("{limit}/{written}{unit}");
        if let Some(per) = per {
            text.push_str([" per ip", " per user", " per route"][per]);
        }
        if let Some(burst) = burst {
            text.push_str(&format!(" burst {burst}"));
        }

        let period = count.unwrap_or(1) * factor;
        let burst = burst.unwrap_or(limit);
        let refill = u128::from(burst) * u128::from(period);
        let sound = limit > 0
            && period > 0
            && period <= 31 * 86_400
            && limit <= period * 1_000_000
            && burst > 0
            && burst <= u64::from(u32::MAX)
            && refill / u128::from(limit.max(1)) <= 366 * 86_400;
        match units::quota(&text) {
            Err(_) => prop_assert!(!sound, "{} is refused", text),
            Ok(quota) => {
                prop_assert!(sound, "{} is accepted", text);
                prop_assert_eq!(u64::from(quota.limit), limit);
                prop_assert_eq!(u64::from(quota.period), period);
                prop_assert_eq!(u64::from(quota.burst), burst);
                prop_assert_eq!(&quota.text, &text);
                let spaced = text.replace(' ', "  ");
                prop_assert_eq!(units::quota(&spaced), Ok(quota));
            }
        }
    }

    /// A quota that is called idle refuses nothing that the stricter one lets through.
    #[test]
    fn a_stricter_quota_admits_less_in_every_window(
        one in (1..50_u32, 1..500_u32, 1..50_u32),
        other in (1..50_u32, 1..500_u32, 1..50_u32),
        window in 0..5_000_u64,
    ) {
        let quota = |(limit, period, burst): (u32, u32, u32)| units::quota(&format!("{limit}/{period}s burst {burst}"));
        let (Ok(one), Ok(other)) = (quota(one), quota(other)) else {
            return Ok(());
        };
        let admits = |quota: &units::Quota| {
            f64::from(quota.burst) + window as f64 * f64::from(quota.limit) / f64::from(quota.period)
        };
        prop_assert!(one.implies(&one));
        if one.implies(&other) {
            prop_assert!(admits(&one) <= admits(&other) + 1e-9);
        }
    }
}
