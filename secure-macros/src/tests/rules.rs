//! Messages about parts that contradict each other.

use super::{HANDLER, PLAIN, VOCABULARY, attributes};

/// What a public handler cannot ask for.
#[test]
fn public() {
    attributes(
        HANDLER,
        VOCABULARY,
        &[
            (
                r#"public = """#,
                &[(
                    "an empty reason",
                    "write why the handler is public, or leave `public` alone",
                )],
            ),
            (
                "public = true",
                &[(
                    "the value of `public` is a reason in quotes",
                    r#"write `public`, or `public = "reason"`"#,
                )],
            ),
            (
                r#"public("x")"#,
                &[(
                    "`public(..)` is written with `=`",
                    r#"write `public = "reason"`"#,
                )],
            ),
            (
                r#"public, role = "admin""#,
                &[(
                    "`role` on a public handler",
                    "remove `public`, or remove `role`",
                )],
            ),
            (
                r#"public, scope = "orders:read""#,
                &[(
                    "`scope` on a public handler",
                    "remove `public`, or remove `scope`",
                )],
            ),
            (
                r#"public = "x", max_age = "1h""#,
                &[(
                    "`max_age` on a public handler",
                    "remove `public`, or remove `max_age`",
                )],
            ),
            (
                r#"public, role = "admin", scope = "orders:read", max_age = "1h""#,
                &[
                    (
                        "`role` on a public handler",
                        "remove `public`, or remove `role`",
                    ),
                    (
                        "`scope` on a public handler",
                        "remove `public`, or remove `scope`",
                    ),
                    (
                        "`max_age` on a public handler",
                        "remove `public`, or remove `max_age`",
                    ),
                ],
            ),
            (
                r#"public, rate = "5/s per user""#,
                &[(
                    "quota `5/s per user` counts users on a public handler",
                    r#"write `rate = "5/s per ip"`"#,
                )],
            ),
            (
                r#"public, rate = "crowd""#,
                &[(
                    "quota `crowd` counts users on a public handler",
                    r#"write `rate = "7/min per ip burst 9"`"#,
                )],
            ),
            (
                r#"public, rate = ["5/s per user", "10/h per ip"]"#,
                &[(
                    "quota `5/s per user` counts users on a public handler",
                    r#"write `rate = "5/s per ip"`"#,
                )],
            ),
        ],
    );
}

/// The rule over the arguments.
#[test]
fn allow() {
    attributes(
        HANDLER,
        VOCABULARY,
        &[
            (
                "hide",
                &[(
                    "`hide` without `allow`",
                    "write the rule whose refusal is hidden: `allow = owns(&customer, *id).await, hide`",
                )],
            ),
            (
                "allow = , hide",
                &[(
                    "`allow` without a value",
                    "write `allow = owns(&customer, *id).await`",
                )],
            ),
            (
                "allow = true",
                &[(
                    "`allow` uses no parameter of the handler",
                    "name one, as in `allow = owns(&customer, *id).await`; who may call at all is said by `role` and `scope`",
                )],
            ),
            (
                "allow = owner(order.id)",
                &[(
                    "`allow` uses no parameter of the handler",
                    "name one, as in `allow = owns(&customer, *id).await`; who may call at all is said by `role` and `scope`",
                )],
            ),
            (
                "allow = state::id(1)",
                &[(
                    "`allow` uses no parameter of the handler",
                    "name one, as in `allow = owns(&customer, *id).await`; who may call at all is said by `role` and `scope`",
                )],
            ),
            (
                "allow = owns(&body.item)",
                &[(
                    "`body` in `allow` is only a part of a parameter",
                    "give the parameter a plain name, as in `body: Json<Order>`",
                )],
            ),
            (
                "allow = id > 0 && body.ok",
                &[(
                    "`body` in `allow` is only a part of a parameter",
                    "give the parameter a plain name, as in `body: Json<Order>`",
                )],
            ),
            (
                r#"allow = check(format!("{body}"))"#,
                &[(
                    "`body` in `allow` is only a part of a parameter",
                    "give the parameter a plain name, as in `body: Json<Order>`",
                )],
            ),
        ],
    );
}

/// Limits on a body that is not there.
#[test]
fn body() {
    attributes(
        PLAIN,
        VOCABULARY,
        &[
            (
                r#"max_body = "1KB""#,
                &[(
                    "`max_body` on a handler that takes no body",
                    "remove `max_body`, or take the body as a parameter: `order: web::Json<NewOrder>`",
                )],
            ),
            (
                r#"body_timeout = "5s""#,
                &[(
                    "`body_timeout` on a handler that takes no body",
                    "remove `body_timeout`, or take the body as a parameter: `order: web::Json<NewOrder>`",
                )],
            ),
            (
                r#"max_body = "1KB", body_timeout = "5s""#,
                &[
                    (
                        "`max_body` on a handler that takes no body",
                        "remove `max_body`, or take the body as a parameter: `order: web::Json<NewOrder>`",
                    ),
                    (
                        "`body_timeout` on a handler that takes no body",
                        "remove `body_timeout`, or take the body as a parameter: `order: web::Json<NewOrder>`",
                    ),
                ],
            ),
            (
                "allow = true",
                &[(
                    "`allow` uses no parameter of the handler",
                    "name one, as in `allow = owns(&customer, *id).await`; who may call at all is said by `role` and `scope`",
                )],
            ),
            (
                r#"max_body = "0B""#,
                &[
                    (
                        "`max_body` on a handler that takes no body",
                        "remove `max_body`, or take the body as a parameter: `order: web::Json<NewOrder>`",
                    ),
                    (
                        "`0B` lets no body through",
                        "the smallest is `1B`; a handler without a body needs no `max_body`",
                    ),
                ],
            ),
        ],
    );
}
