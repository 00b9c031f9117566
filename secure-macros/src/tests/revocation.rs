//! Messages about `revocation`, and what it becomes.

use super::{HANDLER, VOCABULARY, attributes, contains, expand, good, messages, policies};
use crate::vocabulary::Source;

const OFF: &str = r#"write `revocation(off = "reason")`"#;

/// The value, and what stands in parentheses.
#[test]
fn shapes() {
    attributes(
        HANDLER,
        VOCABULARY,
        &[
            (
                "revocation",
                &[(
                    "`revocation` without a value",
                    r#"write `revocation = "2s"`"#,
                )],
            ),
            (
                "revocation = 2",
                &[("`2` has no unit", r#"write `revocation = "2s"`"#)],
            ),
            (
                "revocation = true",
                &[(
                    "the value of `revocation` is a text in quotes",
                    r#"write `revocation = "2s"`"#,
                )],
            ),
            (
                "revocation = off",
                &[("`revocation` is off without a reason", OFF)],
            ),
            (
                r#"revocation = "off""#,
                &[("`revocation` is off without a reason", OFF)],
            ),
            (
                "revocation()",
                &[(
                    "`revocation()` says nothing",
                    r#"write `revocation = "2s"`, or `revocation(off = "reason")`"#,
                )],
            ),
            ("revocation(off)", &[("`off` without a reason", OFF)]),
            ("revocation(off =)", &[("`off` without a reason", OFF)]),
            (
                "revocation(off = true)",
                &[("the value of `off` is a reason in quotes", OFF)],
            ),
            (
                r#"revocation(off = " ")"#,
                &[(
                    "an empty reason",
                    r#"write why the check is off, as in `revocation(off = "reason")`"#,
                )],
            ),
            (
                r#"revocation("2s")"#,
                &[("only `off` stands in `revocation(..)`", OFF)],
            ),
            (
                r#"revocation(of = "x")"#,
                &[("only `off` stands in `revocation(..)`", OFF)],
            ),
            (
                r#"revocation(off = "x", off = "y")"#,
                &[("`off` twice", "remove one of them")],
            ),
            (
                r#"revocation(off = "x", within = "2s")"#,
                &[("something beside `off` in `revocation(..)`", OFF)],
            ),
            (
                r#"revocation = "2s", revocation(off = "x")"#,
                &[("`revocation` twice", "remove one of them")],
            ),
            (
                r#"revokation = "2s""#,
                &[(
                    "unknown key `revokation`",
                    "did you mean `revocation`? the keys are `allow`, `body_timeout`, `concurrency`, `cost`, `crate`, `factor`, `hide`, `login`, `max_age`, `max_body`, `outage`, `priority`, `public`, `rate`, `revocation`, `role`, `scope`",
                )],
            ),
        ],
    );
}

/// The bound, and where it means something.
#[test]
fn bounds() {
    attributes(
        HANDLER,
        VOCABULARY,
        &[
            (
                r#"revocation = "2""#,
                &[("`2` has no unit", "write `2s`, `2min`, `2h` or `2day`")],
            ),
            (
                r#"revocation = "3601s""#,
                &[("`3601s` is too long", "the longest is `1h`")],
            ),
            (
                r#"revocation = "1day""#,
                &[("`1day` is too long", "the longest is `1h`")],
            ),
            (
                r#"public, revocation = "2s""#,
                &[(
                    "`revocation` on a public handler",
                    "remove `public`, or remove `revocation`",
                )],
            ),
            (
                r#"public = "x", revocation(off = "y")"#,
                &[(
                    "`revocation` on a public handler",
                    "remove `public`, or remove `revocation`",
                )],
            ),
        ],
    );
}

/// `[defaults]`.
#[test]
fn defaults() {
    policies(&[
        (
            "[defaults]\nrevocation = \"61min\"\n",
            &[("policy.toml:2: `61min` is too long", "the longest is `1h`")],
        ),
        (
            "[defaults]\nrevocation = 2\n",
            &[(
                "policy.toml:2: `revocation` is a text in quotes",
                r#"write `revocation = "2s"`"#,
            )],
        ),
        (
            "[defaults]\nrevocation = \"off\"\n",
            &[(
                "policy.toml:2: revocation cannot be off by default",
                r#"write it beside a handler, with its reason: `revocation(off = "reason")`"#,
            )],
        ),
        (
            "[defaults]\nrevokation = \"2s\"\n",
            &[(
                "policy.toml:2: unknown default `revokation`",
                "did you mean `revocation`? there are `body_timeout`, `concurrency`, `max_body`, `outage`, `rate`, `revocation`",
            )],
        ),
    ]);
}

fn within(seconds: u64) -> String {
    format!(
        "revocation: ::secure_runtime::private::Revocation::Within(::core::time::Duration::from_secs({seconds}u64))"
    )
}

#[test]
fn a_bound_is_written_down() {
    for (attribute, seconds) in [
        ("", 2),
        (r#"revocation = "0s""#, 0),
        (r#"revocation = "5s""#, 5),
        (r#"revocation = "1min", role = "admin""#, 60),
        (r#"revocation = "1h""#, 3600),
    ] {
        let output = good(attribute, HANDLER);
        assert!(contains(&output, &within(seconds)), "{attribute}: {output}");
    }
    let policy = "[defaults]\nrevocation = \"0s\"\n";
    let output = expand("", HANDLER, Source::Text(policy));
    assert_eq!(messages(&output), Vec::<String>::new());
    assert!(contains(&output, &within(0)), "{output}");
}

#[test]
fn a_reason_is_written_down() {
    for attribute in [
        r#"revocation(off = "read-only, and tokens live a minute")"#,
        r#"revocation(off = "read-only, and tokens live a minute",)"#,
    ] {
        let output = good(attribute, HANDLER);
        let off = "revocation: ::secure_runtime::private::Revocation::Off { \
                   reason: \"read-only, and tokens live a minute\" }";
        assert!(contains(&output, off), "{output}");
    }
}

/// A handler whose policy is wrong lets nobody in.
#[test]
fn a_mistake_leaves_the_strictest_bound() {
    let output = expand("roel = 1", HANDLER, Source::Text(VOCABULARY));
    assert!(contains(&output, &within(0)), "{output}");
}
