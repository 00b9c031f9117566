//! Messages about `outage`, and what it becomes.

use super::{HANDLER, PLAIN, VOCABULARY, attributes, contains, expand, good, messages, policies};
use crate::vocabulary::Source;

const NOTHING: &[(&str, &str)] = &[(
    "`outage` on a handler that asks the store for nothing",
    "remove `outage`: no quota is counted together with other processes, no revocation looked up and no login counted",
)];

const WRITTEN: &str = r#"write `outage = "deny"`"#;

#[test]
fn shapes() {
    attributes(
        HANDLER,
        VOCABULARY,
        &[
            ("outage", &[("`outage` without a value", WRITTEN)]),
            (
                "outage = deny",
                &[("the value of `outage` is a text in quotes", WRITTEN)],
            ),
            (
                r#"outage("deny")"#,
                &[("`outage(..)` is written with `=`", WRITTEN)],
            ),
            (
                r#"outage = "locla""#,
                &[("unknown outage `locla`", "did you mean `local`?")],
            ),
            (
                r#"outage = "allow""#,
                &[(
                    "unknown outage `allow`",
                    "write `deny` to refuse with 503, or `local` to go on with what this process knows",
                )],
            ),
            (
                r#"outage = "deny", outage = "local""#,
                &[("`outage` twice", "remove one of them")],
            ),
        ],
    );
}

#[test]
fn it_stands_where_a_store_is_asked() {
    attributes(
        HANDLER,
        VOCABULARY,
        &[
            (r#"public, outage = "local", rate = "1/s local""#, NOTHING),
            (
                r#"public, outage = "local", rate = ["1/s local", "9/min per route local"]"#,
                NOTHING,
            ),
            (
                r#"revocation(off = "x"), outage = "local", rate = "1/s local""#,
                NOTHING,
            ),
            // A quota that is wrong might have asked: one mistake is told.
            (
                r#"public, outage = "local", rate = "1/s sometimes""#,
                &[(
                    "unknown word `sometimes` in a quota",
                    "after `1/s` stand `per ip`, `per user` or `per route`, `burst N`, and `leased` or `local`",
                )],
            ),
        ],
    );
    for attribute in [
        r#"public, outage = "local""#,
        r#"public, outage = "local", rate = "1/s""#,
        r#"public, outage = "local", rate = "1/s leased""#,
        r#"public, outage = "local", rate = ["1/s local", "9/min"]"#,
        r#"revocation(off = "x"), outage = "local""#,
        r#"outage = "local", rate = "1/s local""#,
    ] {
        good(attribute, PLAIN);
    }
}

#[test]
fn defaults() {
    policies(&[
        (
            "[defaults]\noutage = \"allow\"\n",
            &[(
                "policy.toml:2: unknown outage `allow`",
                "write `deny` to refuse with 503, or `local` to go on with what this process knows",
            )],
        ),
        (
            "[defaults]\noutage = true\n",
            &[(
                "policy.toml:2: `outage` is a text in quotes",
                r#"write `outage = "deny"`"#,
            )],
        ),
    ]);
}

#[test]
fn it_is_written_down() {
    let is = |output: &_, mode: &str| {
        let outage = format!("outage: ::secure_runtime::private::Outage::{mode}");
        contains(output, &outage)
    };
    for (attribute, mode) in [
        ("", "Deny"),
        (r#"outage = "deny""#, "Deny"),
        (r#"outage = "local""#, "Local"),
    ] {
        let output = good(attribute, HANDLER);
        assert!(is(&output, mode), "{attribute}: {output}");
    }
    let policy = "[defaults]\noutage = \"local\"\n";
    for (attribute, mode) in [
        ("", "Local"),
        (r#"outage = "deny""#, "Deny"),
        (r#"revocation(off = "x")"#, "Local"),
        ("public", "Local"),
        (r#"revocation(off = "x"), rate = "1/s local""#, "Deny"),
        (r#"public, rate = "1/s local""#, "Deny"),
    ] {
        let output = expand(attribute, HANDLER, Source::Text(policy));
        assert_eq!(messages(&output), Vec::<String>::new());
        assert!(is(&output, mode), "{attribute}: {output}");
    }
}
