//! Messages about durations and sizes.

use super::{HANDLER, VOCABULARY, attributes};

/// Durations and sizes.
#[test]
fn units() {
    attributes(
        HANDLER,
        VOCABULARY,
        &[
            (
                r#"max_age = "15""#,
                &[("`15` has no unit", "write `15s`, `15min`, `15h` or `15day`")],
            ),
            (
                "max_age = 15",
                &[("`15` has no unit", r#"write `max_age = "15s"`"#)],
            ),
            (
                r#"max_age = "min""#,
                &[(
                    "`min` is no duration",
                    "write a whole number and a unit, as in `15min`",
                )],
            ),
            (
                r#"max_age = """#,
                &[(
                    "`` is no duration",
                    "write a whole number and a unit, as in `15min`",
                )],
            ),
            (
                r#"max_age = "0s""#,
                &[("`0s` is no time at all", "the shortest is `1s`")],
            ),
            (
                r#"max_age = "1.5h""#,
                &[(
                    "`1.5h` is no whole number",
                    "write it in a smaller unit, as in `90s` for one minute and a half",
                )],
            ),
            (
                r#"max_age = "15m""#,
                &[("unknown unit `m` of time", "write `15min`")],
            ),
            (
                r#"max_age = "15 min""#,
                &[("`15 min` has a space in it", "write `15min`")],
            ),
            (
                r#"max_age = "15parsec""#,
                &[(
                    "unknown unit `parsec` of time",
                    "units of time are `s`, `min`, `h` (or `hour`) and `day`",
                )],
            ),
            (
                r#"max_age = "367day""#,
                &[("`367day` is too long", "the longest is `366day`")],
            ),
            (
                r#"max_age = "99999999999999999999s""#,
                &[(
                    "`99999999999999999999s` is too long",
                    "the longest is `366day`",
                )],
            ),
            (
                "max_age = Duration::from_secs(5)",
                &[(
                    "the value of `max_age` is a text in quotes",
                    r#"write `max_age = "15min"`"#,
                )],
            ),
            (
                r#"body_timeout = "2h""#,
                &[("`2h` is too long", "the longest is `1h`")],
            ),
            (
                r#"body_timeout = "10ms""#,
                &[(
                    "unknown unit `ms` of time",
                    "units of time are `s`, `min`, `h` (or `hour`) and `day`",
                )],
            ),
            (
                r#"body_timeout = "0s""#,
                &[("`0s` is no time at all", "the shortest is `1s`")],
            ),
            (
                r#"max_body = "1024""#,
                &[(
                    "`1024` has no unit",
                    "write `1024B`, `1024KB` (1000 bytes) or `1024KiB` (1024 bytes)",
                )],
            ),
            (
                "max_body = 1024",
                &[("`1024` has no unit", r#"write `max_body = "1024B"`"#)],
            ),
            (
                r#"max_body = "big""#,
                &[(
                    "`big` is no size",
                    "write a whole number and a unit, as in `64KB`",
                )],
            ),
            (
                r#"max_body = "0KB""#,
                &[(
                    "`0KB` lets no body through",
                    "the smallest is `1B`; a handler without a body needs no `max_body`",
                )],
            ),
            (
                r#"max_body = "1.5MB""#,
                &[(
                    "`1.5MB` is no whole number",
                    "write it in a smaller unit, as in `1500KB` for one megabyte and a half",
                )],
            ),
            (
                r#"max_body = "64kb""#,
                &[("unknown unit `kb` of size", "write `64KB`")],
            ),
            (
                r#"max_body = "64K""#,
                &[("unknown unit `K` of size", "write `64KB`")],
            ),
            (
                r#"max_body = "64 KB""#,
                &[("`64 KB` has a space in it", "write `64KB`")],
            ),
            (
                r#"max_body = "1TB""#,
                &[(
                    "unknown unit `TB` of size",
                    "units of size are `B`, `KB`, `MB`, `GB` (1000-based), `KiB`, `MiB` and `GiB` (1024-based)",
                )],
            ),
            (
                r#"max_body = "99999999999GB""#,
                &[(
                    "`99999999999GB` is more than can be counted",
                    "the largest is `18446744073709551615B`",
                )],
            ),
            (
                r#"max_body = b"1KB""#,
                &[(
                    "the value of `max_body` is a text in quotes",
                    r#"write `max_body = "64KB"`"#,
                )],
            ),
        ],
    );
}
