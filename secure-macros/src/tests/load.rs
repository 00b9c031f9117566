//! Messages about `concurrency`, `priority` and `cost`, and what they become.

use super::{HANDLER, VOCABULARY, attributes, contains, expand, good, messages, policies};
use crate::vocabulary::Source;

#[test]
fn shapes_of_numbers() {
    const CONCURRENCY: &str = "write `concurrency = 20`";
    const NO_NUMBER: &str = "the value of `concurrency` is a whole number from 1";
    attributes(
        HANDLER,
        VOCABULARY,
        &[
            (
                "concurrency",
                &[("`concurrency` without a value", CONCURRENCY)],
            ),
            (
                "concurrency(20)",
                &[("`concurrency(..)` is written with `=`", CONCURRENCY)],
            ),
            (
                r#"concurrency = "7""#,
                &[(
                    "the value of `concurrency` is a number without quotes",
                    "write `concurrency = 7`",
                )],
            ),
            (r#"concurrency = "many""#, &[(NO_NUMBER, CONCURRENCY)]),
            ("concurrency = many", &[(NO_NUMBER, CONCURRENCY)]),
            ("concurrency = -1", &[(NO_NUMBER, CONCURRENCY)]),
            ("concurrency = 1.5", &[(NO_NUMBER, CONCURRENCY)]),
            ("concurrency = 20u32", &[(NO_NUMBER, CONCURRENCY)]),
            (
                "concurrency = 20 * 2",
                &[("expected `,`", "separate what stands here with a comma")],
            ),
            (
                "concurrency = 4294967296",
                &[(
                    "`4294967296` is more than `concurrency` can count",
                    "the most is `concurrency = 4294967295`",
                )],
            ),
            (
                "concurrency = 1, concurrency = 2",
                &[("`concurrency` twice", "remove one of them")],
            ),
            (
                r#"rte = "10/min", cost = 5"#,
                &[(
                    "unknown key `rte`",
                    "did you mean `rate`? the keys are `allow`, `body_timeout`, `concurrency`, `cost`, `crate`, `factor`, `hide`, `login`, `max_age`, `max_body`, `outage`, `priority`, `public`, `rate`, `revocation`, `role`, `scope`",
                )],
            ),
            (
                r#"rate = "10/min", cost = "5""#,
                &[(
                    "the value of `cost` is a number without quotes",
                    "write `cost = 5`",
                )],
            ),
            (
                r#"rate = "10/min", cost = 0.5"#,
                &[(
                    "the value of `cost` is a whole number from 1",
                    "write `cost = 5`",
                )],
            ),
        ],
    );
}

#[test]
fn a_bound_of_zero_admits_nobody() {
    attributes(
        HANDLER,
        VOCABULARY,
        &[(
            "concurrency = 0",
            &[(
                "a concurrency of zero admits nobody",
                "the smallest is `concurrency = 1`",
            )],
        )],
    );
}

#[test]
fn priorities() {
    attributes(
        HANDLER,
        VOCABULARY,
        &[
            (
                "priority = critical",
                &[(
                    "the value of `priority` is a text in quotes",
                    r#"write `priority = "critical"`"#,
                )],
            ),
            (
                "priority = 1",
                &[(
                    "the value of `priority` is a text in quotes",
                    r#"write `priority = "critical"`"#,
                )],
            ),
            (
                r#"priority = "critcal""#,
                &[("unknown priority `critcal`", "did you mean `critical`?")],
            ),
            (
                r#"priority = "high""#,
                &[(
                    "unknown priority `high`",
                    "write `critical` for what must work when the service is full, or `normal`",
                )],
            ),
        ],
    );
}

#[test]
fn a_cost_is_paid_from_quotas_that_hold_it() {
    const WITHOUT_RATE: (&str, &str) = (
        "`cost` without `rate`",
        r#"write the quota whose units it takes, as in `rate = "100/min"`"#,
    );
    attributes(
        HANDLER,
        VOCABULARY,
        &[
            ("cost = 5", &[WITHOUT_RATE]),
            ("cost = 1", &[WITHOUT_RATE]),
            (
                r#"rate = "10/min", cost = 0"#,
                &[(
                    "a cost of zero makes every quota idle",
                    "the smallest is `cost = 1`, which is the default",
                )],
            ),
            (
                "cost = 0",
                &[(
                    "a cost of zero makes every quota idle",
                    "the smallest is `cost = 1`, which is the default",
                )],
            ),
            (
                r#"rate = "10/min", cost = 11"#,
                &[(
                    "a cost of 11 is more than quota `10/min` ever holds: no request can pass",
                    "write at most `cost = 10`, or a quota with `burst 11`",
                )],
            ),
            (
                r#"rate = ["9/s", "100/hour per ip burst 7"], cost = 20"#,
                &[(
                    "a cost of 20 is more than quota `100/hour per ip burst 7` ever holds: no request can pass",
                    "write at most `cost = 7`, or a quota with `burst 20`",
                )],
            ),
            (
                r#"rate = "login", cost = 6"#,
                &[(
                    "a cost of 6 is more than quota `login` ever holds: no request can pass",
                    "write at most `cost = 5`, or a quota with `burst 6`",
                )],
            ),
            // One mistake, one error.
            (
                r#"rate = "10/mni", cost = 5000"#,
                &[(
                    "unknown rate unit `mni`",
                    r#"write `N/unit` with unit `s`, `min`, `h` or `day`, as in `rate = "10/min"`"#,
                )],
            ),
            (
                "rate = 10, cost = 5000",
                &[("`10` has no unit", r#"write `rate = "10/min"`"#)],
            ),
        ],
    );
}

#[test]
fn defaults() {
    const RANGE: (&str, &str) = (
        "policy.toml:2: `concurrency` is a whole number from 1 to 4294967295",
        "write `concurrency = 20`",
    );
    policies(&[
        ("[defaults]\nconcurrency = \"20\"\n", &[RANGE]),
        ("[defaults]\nconcurrency = -1\n", &[RANGE]),
        ("[defaults]\nconcurrency = 4294967296\n", &[RANGE]),
        (
            "[defaults]\nconcurrency = 0\n",
            &[(
                "policy.toml:2: a concurrency of zero admits nobody",
                "the smallest is `concurrency = 1`",
            )],
        ),
    ]);
}

#[test]
fn they_are_written_down() {
    let is = |output: &_, cost: &str, concurrency: &str, priority: &str| {
        let fields = format!(
            "cost: {cost}, concurrency: ::core::option::Option::{concurrency},
             priority: ::secure_runtime::private::Priority::{priority},"
        );
        assert!(contains(output, &fields), "{fields}: {output}");
    };
    is(&good("", HANDLER), "1u32", "None", "Normal");
    is(
        &good(
            r#"rate = "10/min", cost = 10, concurrency = 4294967295, priority = "critical""#,
            HANDLER,
        ),
        "10u32",
        "Some(4294967295u32)",
        "Critical",
    );
    is(
        &good(r#"rate = "crowd", cost = 9, priority = "normal""#, HANDLER),
        "9u32",
        "None",
        "Normal",
    );
    let policy = "[defaults]\nconcurrency = 0x10\n";
    for (attribute, concurrency) in [("", "Some(16u32)"), ("concurrency = 2", "Some(2u32)")] {
        let output = expand(attribute, HANDLER, Source::Text(policy));
        assert_eq!(messages(&output), Vec::<String>::new());
        is(&output, "1u32", concurrency, "Normal");
    }
}
