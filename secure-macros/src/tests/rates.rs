//! Messages about quotas.

use super::{HANDLER, VOCABULARY, attributes};

/// Quotas.
#[test]
fn rate() {
    attributes(
        HANDLER,
        VOCABULARY,
        &[
            (
                r#"rate = "10/minuts""#,
                &[(
                    "unknown rate unit `minuts`",
                    r#"write `N/unit` with unit `s`, `min`, `h` or `day`, as in `rate = "10/min"`"#,
                )],
            ),
            (
                r#"rate = "10""#,
                &[(
                    "quota `10` has no period",
                    "write `10/s`, `10/min`, `10/h` or `10/day`",
                )],
            ),
            (
                "rate = 10",
                &[("`10` has no unit", r#"write `rate = "10/min"`"#)],
            ),
            (
                r#"rate = "10/""#,
                &[(
                    "quota `10/` has no unit of time",
                    "write `10/s`, `10/min`, `10/h` or `10/day`",
                )],
            ),
            (
                r#"rate = "10/5""#,
                &[(
                    "quota `10/5` has no unit of time",
                    "write `10/5s`, `10/5min`, `10/5h` or `10/5day`",
                )],
            ),
            (
                r#"rate = "0/min""#,
                &[(
                    "quota `0/min` admits nobody",
                    "the smallest is `1/min`; a handler that nobody may call needs no route",
                )],
            ),
            (
                r#"rate = "10/0min""#,
                &[(
                    "the period of quota `10/0min` is zero",
                    "leave the number out, as in `10/min`",
                )],
            ),
            (
                r#"rate = "-1/min""#,
                &[(
                    "`-1` in `-1/min` is no whole number",
                    "write `N/unit`, as in `10/min`",
                )],
            ),
            (
                r#"rate = "1.5/min""#,
                &[(
                    "`1.5` in `1.5/min` is no whole number",
                    "write `N/unit`, as in `10/min`",
                )],
            ),
            (
                r#"rate = "/min""#,
                &[("quota `/min` has no number", "write `10/min`")],
            ),
            (
                r#"rate = """#,
                &[("an empty quota", "write `N/unit`, as in `10/min`")],
            ),
            (
                "rate = []",
                &[(
                    "an empty list of quotas",
                    r#"write `rate = "10/min"`, or leave `rate` out for the default"#,
                )],
            ),
            (
                r#"rate = ["5/s", 7]"#,
                &[("`7` has no unit", r#"write `rate = "7/min"`"#)],
            ),
            (
                r#"rate = "99999999999/s""#,
                &[(
                    "`99999999999` is more than a quota can count",
                    "the most is `4294967295`",
                )],
            ),
            (
                r#"rate = "2000000/s""#,
                &[(
                    "quota `2000000/s` is more than 1000000 requests a second",
                    "the most is `1000000/s`",
                )],
            ),
            (
                r#"rate = "10/32day""#,
                &[(
                    "the period of quota `10/32day` is too long",
                    "the longest is `31day`",
                )],
            ),
            (
                r#"rate = "10/99999999999999999999day""#,
                &[(
                    "the period of quota `10/99999999999999999999day` is too long",
                    "the longest is `31day`",
                )],
            ),
            (
                r#"rate = "10/min per client""#,
                &[(
                    "`per client` is unknown",
                    "write `10/min per ip`, `10/min per user` or `10/min per route`",
                )],
            ),
            (
                r#"rate = "10/min per""#,
                &[(
                    "`per` without a word after it",
                    "write `10/min per ip`, `10/min per user` or `10/min per route`",
                )],
            ),
            (
                r#"rate = "10/min burst""#,
                &[(
                    "`burst` without a whole number after it",
                    "write `10/min burst 20`",
                )],
            ),
            (
                r#"rate = "10/min burst x""#,
                &[(
                    "`burst` without a whole number after it",
                    "write `10/min burst 20`",
                )],
            ),
            (
                r#"rate = "10/min burst 0""#,
                &[(
                    "a burst of zero admits nobody",
                    "the smallest is `10/min burst 1`",
                )],
            ),
            (
                r#"rate = "10/min burst 99999999999""#,
                &[(
                    "the burst of `10/min` is more than can be counted",
                    "the most is `4294967295`",
                )],
            ),
            (
                r#"rate = "10/min burst 99999999999999999999999""#,
                &[(
                    "the burst of `10/min` is more than can be counted",
                    "the most is `4294967295`",
                )],
            ),
            (
                r#"rate = "10/min per ip per user""#,
                &[(
                    "`per` twice in one quota",
                    r#"remove one of them, or write two quotas: `rate = ["..", ".."]`"#,
                )],
            ),
            (
                r#"rate = "10/min burst 1 burst 2""#,
                &[(
                    "`burst` twice in one quota",
                    r#"remove one of them, or write two quotas: `rate = ["..", ".."]`"#,
                )],
            ),
            (
                r#"rate = "10/min 5/s""#,
                &[(
                    "two quotas in one text",
                    r#"write a list: `rate = ["10/min", "5/s"]`"#,
                )],
            ),
            (
                r#"rate = "10/min Local""#,
                &[("unknown word `Local` in a quota", "did you mean `local`?")],
            ),
            (
                r#"rate = "crowd local""#,
                &[(
                    "`local` after the name of a quota",
                    r#"write `rate = "crowd"`; what it says stands in policy.toml: `crowd = "7/min per user burst 9"`"#,
                )],
            ),
            (
                r#"rate = "10/min", burst = 20"#,
                &[(
                    "`burst` stands in the text of a quota",
                    r#"write `rate = "10/min burst 20"`"#,
                )],
            ),
            (
                r#"rate = "10/min quickly""#,
                &[(
                    "unknown word `quickly` in a quota",
                    "after `10/min` stand `per ip`, `per user` or `per route`, `burst N`, and `leased` or `local`",
                )],
            ),
            (
                r#"rate = "10/min leased per user leased""#,
                &[(
                    "`leased` twice in one quota",
                    r#"remove one of them, or write two quotas: `rate = ["..", ".."]`"#,
                )],
            ),
            (
                r#"rate = "10/min local leased""#,
                &[(
                    "a quota that is `leased` and `local`",
                    "remove `local` where processes count together, `leased` where each counts for itself",
                )],
            ),
            (
                r#"rate = ["10/min", "10/min local"]"#,
                &[(
                    "quota `10/min local` can never apply: `10/min` is stricter in every respect",
                    "remove `10/min local`",
                )],
            ),
            (
                r#"rate = "10 / min""#,
                &[(
                    "`10 / min` does not begin with a quota",
                    "write `N/unit` without spaces, as in `10/min`",
                )],
            ),
            (
                r#"rate = "10/ min""#,
                &[(
                    "quota `10/` has no unit of time",
                    "write `10/s`, `10/min`, `10/h` or `10/day`",
                )],
            ),
            (
                r#"rate = "per ip 10/min""#,
                &[(
                    "`per ip 10/min` does not begin with a quota",
                    "write `N/unit` without spaces, as in `10/min`",
                )],
            ),
            (
                r#"rate = "1/day burst 1000""#,
                &[(
                    "`burst 1000` takes more than a year to be earned back",
                    "write a smaller burst, or a larger quota than `1/day`",
                )],
            ),
            (
                r#"rate = "logni""#,
                &[(
                    "rate `logni` is not declared in policy.toml",
                    "did you mean `login`?",
                )],
            ),
            (
                r#"rate = "unlimited""#,
                &[(
                    "rate `unlimited` is not declared in policy.toml",
                    r#"declared are `crowd`, `login`; or add to policy.toml: `[rates]` with `unlimited = "10/min"`"#,
                )],
            ),
            (
                r#"rate = ["10/min", "10/min"]"#,
                &[("quota `10/min` twice", "remove one of them")],
            ),
            (
                r#"rate = ["10/min", "100/min"]"#,
                &[(
                    "quota `100/min` can never apply: `10/min` is stricter in every respect",
                    "remove `100/min`",
                )],
            ),
            (
                r#"rate = ["1/s", "60/min"]"#,
                &[(
                    "quota `60/min` can never apply: `1/s` is stricter in every respect",
                    "remove `60/min`",
                )],
            ),
            (
                r#"rate = ["login", "5/15min per ip"]"#,
                &[(
                    "quota `5/15min per ip` says the same as `login`",
                    "remove `5/15min per ip`",
                )],
            ),
            (
                r#"rate = ["10/min", "5/x", "per"]"#,
                &[
                    (
                        "unknown rate unit `x`",
                        r#"write `N/unit` with unit `s`, `min`, `h` or `day`, as in `rate = "10/min"`"#,
                    ),
                    (
                        "rate `per` is not declared in policy.toml",
                        r#"declared are `crowd`, `login`; or add to policy.toml: `[rates]` with `per = "10/min"`"#,
                    ),
                ],
            ),
            (
                "rate = fast",
                &[(
                    "the value of `rate` is a text in quotes",
                    r#"write `rate = "10/min"`"#,
                )],
            ),
            (
                r#"rate = "10/Min""#,
                &[("unknown rate unit `Min`", "write `10/min`")],
            ),
        ],
    );
}
