//! Messages about keys and the shape of values.

use super::{HANDLER, VOCABULARY, attributes};

/// Keys, duplicates, commas and the shape of values.
#[test]
fn keys() {
    attributes(
        HANDLER,
        VOCABULARY,
        &[
            (
                r#"roel = "admin""#,
                &[(
                    "unknown key `roel`",
                    "did you mean `role`? the keys are `allow`, `body_timeout`, `concurrency`, `cost`, `crate`, `factor`, `hide`, `login`, `max_age`, `max_body`, `outage`, `priority`, `public`, `rate`, `revocation`, `role`, `scope`",
                )],
            ),
            (
                r#"colour = "red""#,
                &[(
                    "unknown key `colour`",
                    "the keys are `allow`, `body_timeout`, `concurrency`, `cost`, `crate`, `factor`, `hide`, `login`, `max_age`, `max_body`, `outage`, `priority`, `public`, `rate`, `revocation`, `role`, `scope`",
                )],
            ),
            (
                r#"firewall = "block""#,
                &[(
                    "unknown key `firewall`",
                    "the keys are `allow`, `body_timeout`, `concurrency`, `cost`, `crate`, `factor`, `hide`, `login`, `max_age`, `max_body`, `outage`, `priority`, `public`, `rate`, `revocation`, `role`, `scope`",
                )],
            ),
            (
                r#"role = "admin", role = "support""#,
                &[(
                    "`role` twice",
                    "write `role = all(..)` if both are needed, `role = any(..)` if one is enough",
                )],
            ),
            (
                r#"scope = "orders:read", scope = "orders:write""#,
                &[(
                    "`scope` twice",
                    "write `scope = all(..)` if both are needed, `scope = any(..)` if one is enough",
                )],
            ),
            (
                r#"rate = "1/s", rate = "5/h""#,
                &[(
                    "`rate` twice",
                    r#"write one list, as in `rate = ["5/s", "100/hour"]`"#,
                )],
            ),
            (
                "public, public",
                &[("`public` twice", "remove one of them")],
            ),
            (
                r#"max_body = "1KB", max_body = "2KB""#,
                &[("`max_body` twice", "remove one of them")],
            ),
            (
                r#""admin""#,
                &[(
                    "expected a key",
                    r#"write `key = value`, as in `role = "admin"`"#,
                )],
            ),
            (
                r#"role "admin""#,
                &[("`role` without a value", r#"write `role = "admin"`"#)],
            ),
            (
                "role",
                &[("`role` without a value", r#"write `role = "admin"`"#)],
            ),
            (
                "role =",
                &[("`role` without a value", r#"write `role = "admin"`"#)],
            ),
            (
                r#"role = , rate = "5/s""#,
                &[("`role` without a value", r#"write `role = "admin"`"#)],
            ),
            (
                r#"role("admin")"#,
                &[(
                    "`role(..)` is written with `=`",
                    r#"write `role = "admin"`"#,
                )],
            ),
            (
                r#"public = "a" "b""#,
                &[("expected `,`", "separate what stands here with a comma")],
            ),
            (
                r#"rate = "5/s" max_age = "1h""#,
                &[("expected `,`", "separate what stands here with a comma")],
            ),
            (
                r#", role = "admin""#,
                &[(
                    "expected a key",
                    r#"write `key = value`, as in `role = "admin"`"#,
                )],
            ),
            (
                r#"role = "admin",, scope = "orders:read""#,
                &[(
                    "expected a key",
                    r#"write `key = value`, as in `role = "admin"`"#,
                )],
            ),
            (
                "hide = true, allow = id > 0",
                &[("`hide` takes no value", "write `hide`")],
            ),
            ("hide(true)", &[("`hide` takes no value", "write `hide`")]),
            (
                "allow",
                &[(
                    "`allow` without a value",
                    "write `allow = owns(&customer, *id).await`",
                )],
            ),
            (
                "allow = ",
                &[(
                    "`allow` without a value",
                    "write `allow = owns(&customer, *id).await`",
                )],
            ),
            (
                "allow = let",
                &[(
                    "the value of `allow` is no expression: unexpected end of input, expected one of: identifier, `::`, `<`, `_`, literal, `const`, `ref`, `mut`, `&`, parentheses, square brackets, `..`, `const`",
                    "write `allow = owns(&customer, *id).await`",
                )],
            ),
            (
                "allow = id +",
                &[(
                    "the value of `allow` is no expression: unexpected end of input, expected an expression",
                    "write `allow = owns(&customer, *id).await`",
                )],
            ),
            (
                r#"crate = "my::path""#,
                &[(
                    "the value of `crate` is a path without quotes",
                    "write `crate = my::path`",
                )],
            ),
            (
                "crate = 5",
                &[(
                    "the value of `crate` is no path",
                    "write `crate = my_crate::secure_runtime`",
                )],
            ),
            (
                "crate",
                &[(
                    "`crate` without a value",
                    "write `crate = my_crate::secure_runtime`",
                )],
            ),
            (
                r#"roel = "admin", rate = "10/minuts", max_age = "0s""#,
                &[
                    (
                        "unknown key `roel`",
                        "did you mean `role`? the keys are `allow`, `body_timeout`, `concurrency`, `cost`, `crate`, `factor`, `hide`, `login`, `max_age`, `max_body`, `outage`, `priority`, `public`, `rate`, `revocation`, `role`, `scope`",
                    ),
                    ("`0s` is no time at all", "the shortest is `1s`"),
                    (
                        "unknown rate unit `minuts`",
                        r#"write `N/unit` with unit `s`, `min`, `h` or `day`, as in `rate = "10/min"`"#,
                    ),
                ],
            ),
            (
                r#"unknown = f::<A, B>(1, 2), role = "nobody""#,
                &[
                    (
                        "unknown key `unknown`",
                        "the keys are `allow`, `body_timeout`, `concurrency`, `cost`, `crate`, `factor`, `hide`, `login`, `max_age`, `max_body`, `outage`, `priority`, `public`, `rate`, `revocation`, `role`, `scope`",
                    ),
                    (
                        "role `nobody` is not declared in policy.toml",
                        "declared are `admin`, `customer`, `support`; or add to policy.toml: `[roles]` with `nobody = []`",
                    ),
                ],
            ),
        ],
    );
}
