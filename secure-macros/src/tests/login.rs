//! Messages about `login`, and what it becomes.

use super::{HANDLER, PLAIN, VOCABULARY, attributes, contains, expand, good, messages};
use crate::vocabulary::Source;

const LOGIN: &str = r#"write `login(account = form.name, attempts = "5/15min")`"#;
const PUBLIC: &str = "did you mean `public`? the keys are `allow`, `body_timeout`, \
    `concurrency`, `cost`, `crate`, `factor`, `hide`, `login`, `max_age`, `max_body`, `outage`, \
    `priority`, `public`, `rate`, `revocation`, `role`, `scope`";
const SUBKEYS: &str = "the keys are `account`, `attempts`, `lock`, `password`";

/// Keys and the shape of values.
#[test]
fn shapes() {
    attributes(
        HANDLER,
        VOCABULARY,
        &[
            (
                "public, login",
                &[("`login` is written with parentheses", LOGIN)],
            ),
            (
                r#"public, login = "5/15min""#,
                &[("`login` is written with parentheses", LOGIN)],
            ),
            ("public, login()", &[("`login()` says nothing", LOGIN)]),
            (
                r#"public, login(acount = id, attempts = "5/15min")"#,
                &[(
                    "unknown key `acount` in `login(..)`",
                    "did you mean `account`? the keys are `account`, `attempts`, `lock`, `password`",
                )],
            ),
            (
                r#"public, login(account = id, attempts = "5/15min", colour = "red")"#,
                &[("unknown key `colour` in `login(..)`", SUBKEYS)],
            ),
            (
                r#"public, login(account = id, account = id, attempts = "5/15min")"#,
                &[("`account` twice", "remove one of them")],
            ),
            (
                r#"public, login(account = id, attempts = "5/15min", attempts = "6/15min")"#,
                &[("`attempts` twice", "remove one of them")],
            ),
            (
                r#"public, login(account, attempts = "5/15min")"#,
                &[("`account` without a value", "write `account = form.name`")],
            ),
            (
                r#"public, login(account = , attempts = "5/15min")"#,
                &[("`account` without a value", "write `account = form.name`")],
            ),
            (
                "public, login(account = id, attempts = 5)",
                &[("`5` has no unit", r#"write `attempts = "5/15min"`"#)],
            ),
            (
                r#"public, login(account = id, attempts = "5/15min", lock = 30)"#,
                &[("`30` has no unit", r#"write `lock = "30s"`"#)],
            ),
            (
                r#"public, login(account = id attempts = "5/15min")"#,
                &[("expected `,`", "separate what stands here with a comma")],
            ),
            (
                r#"public, login("5/15min")"#,
                &[("expected a key in `login(..)`", LOGIN)],
            ),
            (
                r#"public, login(id, "5/15min")"#,
                &[("expected a key in `login(..)`", LOGIN)],
            ),
            (
                r#"public, login(user = id, attempts = "5/15min")"#,
                &[("unknown key `user` in `login(..)`", SUBKEYS)],
            ),
            (
                r#"pubic, login(account = id, attempts = "5/15min")"#,
                &[("unknown key `pubic`", PUBLIC)],
            ),
            (
                r#"public, account = id"#,
                &[("`account` stands in `login(..)`", LOGIN)],
            ),
            (
                r#"public, login(account = id, attempts = "5/15min"), login(account = id, attempts = "5/15min")"#,
                &[("`login` twice", "remove one of them")],
            ),
        ],
    );
}

/// Amounts and times.
#[test]
fn bounds() {
    attributes(
        HANDLER,
        VOCABULARY,
        &[
            (
                "public, login(account = id)",
                &[(
                    "`login` without `attempts`",
                    r#"say how many may fail: `attempts = "5/15min"`"#,
                )],
            ),
            (
                r#"public, login(attempts = "5/15min")"#,
                &[(
                    "`login` without `account`",
                    r#"say whose password is checked: `login(account = form.name, attempts = "5/15min")`"#,
                )],
            ),
            (
                r#"public, login(account = id, attempts = "5/15 min")"#,
                &[(
                    "`5/15 min` has a space in it",
                    r#"write `attempts = "5/15min"`"#,
                )],
            ),
            (
                r#"public, login(account = id, attempts = "5/15m")"#,
                &[("unknown rate unit `m`", "write `5/15min`")],
            ),
            (
                r#"public, login(account = id, attempts = "5")"#,
                &[(
                    "`5` does not say in which time",
                    r#"write `attempts = "5/15min"`"#,
                )],
            ),
            (
                r#"public, rate = 10, login(account = id, attempts = "5/15min")"#,
                &[("`10` has no unit", r#"write `rate = "10/min"`"#)],
            ),
            (
                r#"public, login(account = id, attempts = "0/15min")"#,
                &[(
                    "quota `0/15min` admits nobody",
                    "the smallest is `1/15min`; a handler that nobody may call needs no route",
                )],
            ),
            (
                r#"public, login(account = id, attempts = "101/15min")"#,
                &[(
                    "`101/15min` is too many guesses at one account",
                    "the most is `100`; people need `5/15min`",
                )],
            ),
            (
                r#"public, login(account = id, attempts = "5/0min")"#,
                &[(
                    "the period of quota `5/0min` is zero",
                    "leave the number out, as in `10/min`",
                )],
            ),
            (
                r#"public, login(account = id, attempts = "5/2day")"#,
                &[("the time of `5/2day` is too long", "the longest is `1day`")],
            ),
            (
                r#"public, login(account = id, attempts = "5/15min per ip")"#,
                &[(
                    "`per` after the amount of `attempts`",
                    r#"write `attempts = "5/15min"`: attempts are counted by account and by address"#,
                )],
            ),
            (
                r#"public, login(account = id, attempts = "5/15min burst 9")"#,
                &[(
                    "`burst` after the amount of `attempts`",
                    r#"write `attempts = "5/15min"`: attempts are counted by account and by address"#,
                )],
            ),
            (
                r#"public, login(account = id, attempts = "5/15min", lock = "0s")"#,
                &[("`0s` is no time at all", "the shortest is `1s`")],
            ),
            (
                r#"public, login(account = id, attempts = "5/15min", lock = "25h")"#,
                &[("`25h` is too long", "the longest is `1day`")],
            ),
        ],
    );
}

/// What the expressions see, and what else must be there.
#[test]
fn context() {
    attributes(
        HANDLER,
        VOCABULARY,
        &[
            (
                r#"login(account = id, attempts = "5/15min")"#,
                &[(
                    "`login` without a quota `per ip`",
                    r#"add one: `rate = "20/min per ip"`"#,
                )],
            ),
            (
                r#"public, rate = "5/s per route", login(account = id, attempts = "5/15min")"#,
                &[(
                    "`login` without a quota `per ip`",
                    r#"add one: `rate = "20/min per ip"`"#,
                )],
            ),
            (
                r#"public, login(account = body.name, attempts = "5/15min")"#,
                &[(
                    "`body` in `account` is only a part of a parameter",
                    "give the parameter a plain name, as in `body: Json<Order>`",
                )],
            ),
            (
                r#"public, login(account = id, password = body.password, attempts = "5/15min")"#,
                &[(
                    "`body` in `password` is only a part of a parameter",
                    "give the parameter a plain name, as in `body: Json<Order>`",
                )],
            ),
            (
                r#"public, login(account = "ann", attempts = "5/15min")"#,
                &[(
                    "`account` uses no parameter of the handler",
                    "name one, as in `account = form.account`",
                )],
            ),
        ],
    );
    attributes(
        PLAIN,
        VOCABULARY,
        &[(
            r#"public, login(account = form.name, attempts = "5/15min")"#,
            &[(
                "`account` uses no parameter of the handler",
                "name one, as in `account = form.account`",
            )],
        )],
    );
}

const FORM: &str = "async fn login(form: Json<Form>, other: Other) -> R { }";

#[test]
fn it_is_data_and_one_call() {
    let output = good(
        r#"public, login(account = form.name, attempts = "5/15min", password = form.password)"#,
        FORM,
    );
    let rule = "login: ::core::option::Option::Some(::secure_runtime::private::LoginRule { \
                account: \"form.name\", attempts: 5u32, \
                window: ::core::time::Duration::from_secs(900u64), \
                lock: ::core::time::Duration::from_secs(1800u64), \
                password: ::core::option::Option::Some(\"form.password\"), })";
    assert!(contains(&output, rule), "{output}");
    let steps = "let form = __secured_0; \
                 let __secured_account = ::secure_runtime::private::identifier(&(form.name)); \
                 let __secured_password = ::core::option::Option::Some(\
                 ::secure_runtime::private::identifier(&(form.password))); \
                 ::secure_runtime::private::login(__secured_admitted, __secured_account, \
                 __secured_password).await?; \
                 let __secured_output = __secured_handler(form, __secured_1).await;";
    assert!(contains(&output, steps), "{output}");
}

/// Both see the same names, which are given once.
#[test]
fn beside_allow() {
    let output = good(
        r#"public, allow = form.good, login(account = form.name, attempts = "1/day", lock = "1h")"#,
        FORM,
    );
    let text = output.to_string();
    assert_eq!(text.matches("let form = ").count(), 1, "{text}");
    let (allow, login) = (
        text.find("private :: allow ("),
        text.find("private :: login ("),
    );
    assert!(allow.is_some() && allow < login, "{text}");
    assert!(contains(&output, "from_secs(3600u64)"), "{output}");
}

#[test]
fn without_it_nothing_is_counted() {
    let output = good("public", FORM);
    assert!(contains(&output, "login: ::core::option::Option::None"));
    assert!(!contains(&output, "private::login"));
}

/// A mistake leaves a handler that nobody reaches.
#[test]
fn a_mistake_calls_nothing() {
    let output = expand("public, login()", FORM, Source::Text(VOCABULARY));
    assert_eq!(messages(&output).len(), 1);
    assert!(!super::calls_the_handler(&output));
}
