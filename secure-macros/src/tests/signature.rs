//! Messages about the function.

use super::{VOCABULARY, attributes, items};

/// The function below the attribute.
#[test]
fn signature() {
    items(
        "",
        &[
            (
                "fn order() -> R { }",
                &[("a handler that is not `async`", "write `async fn order`")],
            ),
            (
                "pub const fn order() -> R { }",
                &[
                    ("a handler that is not `async`", "write `async fn order`"),
                    ("a handler that is `const`", "write `async fn order`"),
                ],
            ),
            (
                "unsafe async fn order() -> R { }",
                &[(
                    "`#[secured]` on something that is no function with a body",
                    "put it on the handler: `async fn name(..) -> impl Responder { .. }`",
                )],
            ),
            (
                r#"async unsafe extern "C" fn order() -> R { }"#,
                &[
                    ("a handler that is `unsafe`", "write `async fn order`"),
                    ("a handler that is `extern`", "write `async fn order`"),
                ],
            ),
            (
                r#"unsafe extern "C" fn order(a: u8, ...) -> R { }"#,
                &[
                    ("a handler that is not `async`", "write `async fn order`"),
                    ("a handler that is `unsafe`", "write `async fn order`"),
                    ("a handler that is `extern`", "write `async fn order`"),
                    (
                        "a handler with a variable number of arguments",
                        "give each parameter a name and a type",
                    ),
                ],
            ),
            (
                "async fn order(self) -> R { }",
                &[(
                    "a handler with `self`",
                    "make it a free function and take shared state as `web::Data<..>`",
                )],
            ),
            (
                "async fn order(&mut self, a: u8) -> R { }",
                &[(
                    "a handler with `self`",
                    "make it a free function and take shared state as `web::Data<..>`",
                )],
            ),
            (
                "async fn order<T>(a: T) -> R { }",
                &[(
                    "a handler with generic parameters",
                    "write the types that requests carry, as in `web::Json<NewOrder>`",
                )],
            ),
            (
                "async fn order<'a>(a: &'a str) -> R { }",
                &[(
                    "a handler with generic parameters",
                    "write the types that requests carry, as in `web::Json<NewOrder>`",
                )],
            ),
            (
                "async fn order(a: u8) -> R where u8: Copy { }",
                &[("a handler with a `where` clause", "remove it")],
            ),
            (
                "async fn order(a: impl Input) -> R { }",
                &[(
                    "`impl` in a parameter of a handler",
                    "write the type that requests carry, as in `web::Json<NewOrder>`",
                )],
            ),
            (
                "async fn order(a: Json<impl Input>) -> R { }",
                &[(
                    "`impl` in a parameter of a handler",
                    "write the type that requests carry, as in `web::Json<NewOrder>`",
                )],
            ),
            (
                "async fn order() { }",
                &[(
                    "a handler without a return type",
                    "write `-> impl Responder`, or `-> HttpResponse` and return one",
                )],
            ),
            (
                "async fn order(#[unvalidated(yes)] a: A) -> R { }",
                &[(
                    "`#[unvalidated]` takes no arguments",
                    "write `#[unvalidated]`",
                )],
            ),
            (
                "async fn order(#[unvalidated] #[unvalidated] a: A) -> R { }",
                &[("`#[unvalidated]` twice", "remove one of them")],
            ),
            (
                "async fn order(#[cfg(test)] a: A) -> R { }",
                &[(
                    "`#[cfg]` on a parameter of a handler",
                    "put `#[cfg]` on the handler and write one for each case",
                )],
            ),
            (
                "#[secured] async fn order() -> R { }",
                &[(
                    "`#[secured]` twice on one handler",
                    "write every key in one `#[secured(..)]`",
                )],
            ),
            (
                r#"#[get("/")] #[secure_runtime::secured(public)] async fn order() -> R { }"#,
                &[(
                    "`#[secured]` twice on one handler",
                    "write every key in one `#[secured(..)]`",
                )],
            ),
            (
                "struct Order;",
                &[(
                    "`#[secured]` on something that is no function with a body",
                    "put it on the handler: `async fn name(..) -> impl Responder { .. }`",
                )],
            ),
            (
                "impl Order { fn a() {} }",
                &[(
                    "`#[secured]` on something that is no function with a body",
                    "put it on the handler: `async fn name(..) -> impl Responder { .. }`",
                )],
            ),
            (
                "async fn order() -> R;",
                &[(
                    "`#[secured]` on something that is no function with a body",
                    "put it on the handler: `async fn name(..) -> impl Responder { .. }`",
                )],
            ),
            (
                "mod order { }",
                &[(
                    "`#[secured]` on something that is no function with a body",
                    "put it on the handler: `async fn name(..) -> impl Responder { .. }`",
                )],
            ),
            (
                "fn order<T>(self, a: impl X) { }",
                &[
                    ("a handler that is not `async`", "write `async fn order`"),
                    (
                        "a handler with generic parameters",
                        "write the types that requests carry, as in `web::Json<NewOrder>`",
                    ),
                    (
                        "a handler with `self`",
                        "make it a free function and take shared state as `web::Data<..>`",
                    ),
                    (
                        "`impl` in a parameter of a handler",
                        "write the type that requests carry, as in `web::Json<NewOrder>`",
                    ),
                    (
                        "a handler without a return type",
                        "write `-> impl Responder`, or `-> HttpResponse` and return one",
                    ),
                ],
            ),
            (
                "static ORDER: u8 = 1;",
                &[(
                    "`#[secured]` on something that is no function with a body",
                    "put it on the handler: `async fn name(..) -> impl Responder { .. }`",
                )],
            ),
            (
                "",
                &[(
                    "`#[secured]` on something that is no function with a body",
                    "put it on the handler: `async fn name(..) -> impl Responder { .. }`",
                )],
            ),
        ],
    );
    items(
        r#"roel = "admin""#,
        &[(
            "fn order(self) { }",
            &[
                (
                    "unknown key `roel`",
                    "did you mean `role`? the keys are `allow`, `body_timeout`, `concurrency`, `cost`, `crate`, `factor`, `hide`, `login`, `max_age`, `max_body`, `outage`, `priority`, `public`, `rate`, `revocation`, `role`, `scope`",
                ),
                ("a handler that is not `async`", "write `async fn order`"),
                (
                    "a handler with `self`",
                    "make it a free function and take shared state as `web::Data<..>`",
                ),
                (
                    "a handler without a return type",
                    "write `-> impl Responder`, or `-> HttpResponse` and return one",
                ),
            ],
        )],
    );
}

/// Mistakes everywhere, one build.
#[test]
fn several() {
    attributes(
        "fn order(#[unvalidated(1)] a: A) { }",
        VOCABULARY,
        &[(
            r#"allow = true, max_body = "1", rate = "x", role = any("a", "a")"#,
            &[
                ("a handler that is not `async`", "write `async fn order`"),
                (
                    "`#[unvalidated]` takes no arguments",
                    "write `#[unvalidated]`",
                ),
                (
                    "a handler without a return type",
                    "write `-> impl Responder`, or `-> HttpResponse` and return one",
                ),
                (
                    "`allow` uses no parameter of the handler",
                    "name one, as in `allow = owns(&customer, *id).await`; who may call at all is said by `role` and `scope`",
                ),
                ("role `a` twice in one list", "remove one of them"),
                (
                    "role `a` is not declared in policy.toml",
                    "declared are `admin`, `customer`, `support`; or add to policy.toml: `[roles]` with `a = []`",
                ),
                (
                    "role `a` is not declared in policy.toml",
                    "declared are `admin`, `customer`, `support`; or add to policy.toml: `[roles]` with `a = []`",
                ),
                (
                    "rate `x` is not declared in policy.toml",
                    r#"declared are `crowd`, `login`; or add to policy.toml: `[rates]` with `x = "10/min"`"#,
                ),
                (
                    "`1` has no unit",
                    "write `1B`, `1KB` (1000 bytes) or `1KiB` (1024 bytes)",
                ),
            ],
        )],
    );
}
