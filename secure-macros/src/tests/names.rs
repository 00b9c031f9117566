//! Messages about roles, scopes and names of rates.

use super::{HANDLER, VOCABULARY, attributes};

/// Roles and scopes.
#[test]
fn names() {
    attributes(
        HANDLER,
        VOCABULARY,
        &[
            (
                r#"role = "admn""#,
                &[(
                    "role `admn` is not declared in policy.toml",
                    "did you mean `admin`?",
                )],
            ),
            (
                r#"role = "chef""#,
                &[(
                    "role `chef` is not declared in policy.toml",
                    "declared are `admin`, `customer`, `support`; or add to policy.toml: `[roles]` with `chef = []`",
                )],
            ),
            (
                r#"scope = "orders:raed""#,
                &[(
                    "scope `orders:raed` is not declared in policy.toml",
                    "did you mean `orders:read`?",
                )],
            ),
            (
                r#"scope = "everything""#,
                &[(
                    "scope `everything` is not declared in policy.toml",
                    r#"declared are `orders:read`, `orders:write`; or add to policy.toml: `[scopes]` with `"everything" = "what it allows"`"#,
                )],
            ),
            (
                r#"role = """#,
                &[("a role without a name", "write the name of a declared role")],
            ),
            (
                "role = admin",
                &[(
                    "the value of `role` is a name in quotes, `any(..)` or `all(..)`",
                    r#"write `"admin"`"#,
                )],
            ),
            (
                "role = 5",
                &[(
                    "the value of `role` is a name in quotes, `any(..)` or `all(..)`",
                    r#"write `role = "admin"`"#,
                )],
            ),
            (
                r#"role = ["admin", "support"]"#,
                &[(
                    "a list for `role` does not say whether one or every name is needed",
                    "write `role = any(..)` or `role = all(..)`",
                )],
            ),
            (
                r#"role = none("admin")"#,
                &[(
                    "`none(..)` is unknown",
                    "write `any(..)` if one name is enough, `all(..)` if every name is needed",
                )],
            ),
            (
                "role = any()",
                &[("`any()` without a name in it", r#"write `role = "admin"`"#)],
            ),
            (
                "role = all()",
                &[("`all()` without a name in it", r#"write `role = "admin"`"#)],
            ),
            (
                r#"role = any("admin")"#,
                &[("`any` around a single role", r#"write `role = "admin"`"#)],
            ),
            (
                r#"scope = all("orders:read")"#,
                &[(
                    "`all` around a single scope",
                    r#"write `scope = "orders:read"`"#,
                )],
            ),
            (
                r#"role = any(all("admin"), "customer")"#,
                &[("`all` around a single role", r#"write `role = "admin"`"#)],
            ),
            (
                r#"role = any(any("support", "customer"))"#,
                &[
                    (
                        "`any` around a single condition",
                        "remove the outer `any(..)`",
                    ),
                    (
                        "role `support` changes nothing in this `any(..)`: `support` includes `customer`",
                        r#"write `role = "customer"`"#,
                    ),
                ],
            ),
            (
                r#"role = any("customer", "customer")"#,
                &[("role `customer` twice in one list", "remove one of them")],
            ),
            (
                r#"scope = any("orders:read", "orders:read")"#,
                &[(
                    "scope `orders:read` twice in one list",
                    "remove one of them",
                )],
            ),
            (
                r#"role = any("support", "admin")"#,
                &[(
                    "role `admin` changes nothing in this `any(..)`: `admin` includes `support`",
                    r#"write `role = "support"`"#,
                )],
            ),
            (
                r#"role = all("support", "admin")"#,
                &[(
                    "role `support` changes nothing in this `all(..)`: `admin` includes `support`",
                    r#"write `role = "admin"`"#,
                )],
            ),
            (
                r#"role = any("customer", "admin", "x")"#,
                &[
                    (
                        "role `admin` changes nothing in this `any(..)`: `admin` includes `customer`",
                        r#"remove `"admin"`"#,
                    ),
                    (
                        "role `x` is not declared in policy.toml",
                        "declared are `admin`, `customer`, `support`; or add to policy.toml: `[roles]` with `x = []`",
                    ),
                ],
            ),
            (
                r#"role = any(admin, "customer")"#,
                &[(
                    "the value of `role` is a name in quotes, `any(..)` or `all(..)`",
                    r#"write `"admin"`"#,
                )],
            ),
            (
                r#"role = any("admn", "chef")"#,
                &[
                    (
                        "role `admn` is not declared in policy.toml",
                        "did you mean `admin`?",
                    ),
                    (
                        "role `chef` is not declared in policy.toml",
                        "declared are `admin`, `customer`, `support`; or add to policy.toml: `[roles]` with `chef = []`",
                    ),
                ],
            ),
            (
                r#"role = any("admin" "support")"#,
                &[("expected `,`", "separate what stands here with a comma")],
            ),
            (
                r#"role = "admin" | "support""#,
                &[("expected `,`", "separate what stands here with a comma")],
            ),
            (
                r#"scope = any("orders:read", "orders:raed", 5)"#,
                &[
                    (
                        "the value of `scope` is a name in quotes, `any(..)` or `all(..)`",
                        r#"write `scope = "orders:read"`"#,
                    ),
                    (
                        "scope `orders:raed` is not declared in policy.toml",
                        "did you mean `orders:read`?",
                    ),
                ],
            ),
            (
                "role = orders::read",
                &[(
                    "the value of `role` is a name in quotes, `any(..)` or `all(..)`",
                    r#"write `role = "admin"`"#,
                )],
            ),
            (
                r#"role = any("admin", 5)"#,
                &[(
                    "the value of `role` is a name in quotes, `any(..)` or `all(..)`",
                    r#"write `role = "admin"`"#,
                )],
            ),
            (
                r#"role = any("admin", all(5))"#,
                &[(
                    "the value of `role` is a name in quotes, `any(..)` or `all(..)`",
                    r#"write `role = "admin"`"#,
                )],
            ),
        ],
    );
}

/// Names without a `policy.toml`.
#[test]
fn names_absent() {
    attributes(
        HANDLER,
        "",
        &[
            (
                r#"role = "admin""#,
                &[(
                    "role `admin` is not declared: there is no policy.toml",
                    "create policy.toml beside Cargo.toml or in a folder above: `[roles]` with `admin = []`",
                )],
            ),
            (
                r#"scope = "orders:read""#,
                &[(
                    "scope `orders:read` is not declared: there is no policy.toml",
                    r#"create policy.toml beside Cargo.toml or in a folder above: `[scopes]` with `"orders:read" = "what it allows"`"#,
                )],
            ),
            (
                r#"rate = "login""#,
                &[(
                    "rate `login` is not declared: there is no policy.toml",
                    r#"create policy.toml beside Cargo.toml or in a folder above: `[rates]` with `login = "10/min"`"#,
                )],
            ),
        ],
    );
}

/// Names that nobody declared.
#[test]
fn names_empty() {
    attributes(
        HANDLER,
        "[defaults]\n",
        &[
            (
                r#"role = "admin""#,
                &[(
                    "role `admin` is not declared in policy.toml",
                    "declare it in policy.toml: `[roles]` with `admin = []`",
                )],
            ),
            (
                r#"scope = "orders:read""#,
                &[(
                    "scope `orders:read` is not declared in policy.toml",
                    r#"declare it in policy.toml: `[scopes]` with `"orders:read" = "what it allows"`"#,
                )],
            ),
            (
                r#"rate = "login""#,
                &[(
                    "rate `login` is not declared in policy.toml",
                    r#"declare it in policy.toml: `[rates]` with `login = "10/min"`"#,
                )],
            ),
        ],
    );
}
