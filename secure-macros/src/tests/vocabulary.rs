//! Messages about `policy.toml`.

use super::{HANDLER, PLAIN, attributes, expand, messages, policies};
use crate::vocabulary::Source;

/// Mistakes of `policy.toml` itself.
#[test]
fn vocabulary() {
    policies(&[
        (
            "[roles\ncustomer = []",
            &[(
                "policy.toml:1: unclosed table, expected `]`",
                "the file is written in TOML: https://toml.io/en/v1.0.0",
            )],
        ),
        (
            "a = \nb = ]",
            &[
                (
                    "policy.toml:1: string values must be quoted, expected literal string",
                    "the file is written in TOML: https://toml.io/en/v1.0.0",
                ),
                (
                    "policy.toml:2: missing array opening, expected `[`",
                    "the file is written in TOML: https://toml.io/en/v1.0.0",
                ),
            ],
        ),
        (
            "[rolls]\n",
            &[(
                "policy.toml:1: unknown table `rolls`",
                "did you mean `roles`? there are `defaults`, `rates`, `roles`, `scopes`",
            )],
        ),
        (
            "[tokens]\n",
            &[(
                "policy.toml:1: unknown table `tokens`",
                "there are `defaults`, `rates`, `roles`, `scopes`",
            )],
        ),
        (
            "roles = 5\n",
            &[(
                "policy.toml:1: `roles` is no table",
                "write `[roles]` on a line of its own",
            )],
        ),
        (
            r#"[roles]
a = "b"
"#,
            &[(
                "policy.toml:2: role `a` is no list of the roles it includes",
                r#"write `a = []`, or `a = ["another-role"]`"#,
            )],
        ),
        (
            "[roles]\na = [5]\n",
            &[(
                "policy.toml:2: role `a` includes something that is no name",
                r#"write `a = ["another-role"]`"#,
            )],
        ),
        (
            r#"[roles]
customer = []
admin = ["custmer"]
"#,
            &[(
                "policy.toml:3: role `admin` includes `custmer`, which is not declared",
                "did you mean `customer`?",
            )],
        ),
        (
            r#"[roles]
admin = ["chef"]
"#,
            &[(
                "policy.toml:2: role `admin` includes `chef`, which is not declared",
                "declare it: `chef = []`",
            )],
        ),
        (
            r#"[roles]
a = ["b"]
b = ["a"]
"#,
            &[(
                "policy.toml:2: roles include each other: a -> b -> a",
                "remove one of these inclusions",
            )],
        ),
        (
            r#"[roles]
a = ["a"]
"#,
            &[(
                "policy.toml:2: roles include each other: a -> a",
                "remove one of these inclusions",
            )],
        ),
        (
            r#"[roles]
a = ["b"]
b = ["c"]
c = ["b"]
d = ["a"]
"#,
            &[(
                "policy.toml:3: roles include each other: b -> c -> b",
                "remove one of these inclusions",
            )],
        ),
        (
            r#"[roles]
"" = []
"#,
            &[(
                "policy.toml:2: a role without a name",
                "write `customer = []`",
            )],
        ),
        (
            r#"[scopes]
"a b" = "x"
"#,
            &[(
                "policy.toml:2: scope `a b` cannot stand in a token",
                "use printable ASCII without spaces, quotes and backslashes, as in `orders:read`",
            )],
        ),
        (
            "[scopes]\na = 5\n",
            &[(
                r#"policy.toml:2: `"a"` is a text in quotes"#,
                r#"write `"a" = "what it allows"`"#,
            )],
        ),
        (
            r#"[rates]
login = "5/15minuts"
"#,
            &[(
                "policy.toml:2: unknown rate unit `minuts`",
                r#"write `N/unit` with unit `s`, `min`, `h` or `day`, as in `rate = "10/min"`"#,
            )],
        ),
        (
            "[rates]\nlogin = 5\n",
            &[(
                "policy.toml:2: `login` is a text in quotes",
                r#"write `login = "10/min"`"#,
            )],
        ),
        (
            r#"[rates]
"5/min" = "5/min"
"#,
            &[(
                "policy.toml:2: rate name `5/min` looks like a quota",
                r#"begin it with a letter, as in `login = "5/15min per ip"`"#,
            )],
        ),
        (
            r#"[rates]
"a b" = "5/min"
"#,
            &[(
                "policy.toml:2: rate name `a b` has characters that names do not have",
                r#"use letters, digits, `-` and `_`, as in `login = "5/15min per ip"`"#,
            )],
        ),
        (
            r#"[rates]
login = "other"
"#,
            &[(
                "policy.toml:2: `other` is no quota",
                "write `N/unit`, as in `10/min`",
            )],
        ),
        (
            r#"[defaults]
rat = "5/min"
"#,
            &[(
                "policy.toml:2: unknown default `rat`",
                "did you mean `rate`? there are `body_timeout`, `concurrency`, `max_body`, `outage`, `rate`, `revocation`",
            )],
        ),
        (
            r#"[defaults]
firewall = "detect"
"#,
            &[(
                "policy.toml:2: unknown default `firewall`",
                "there are `body_timeout`, `concurrency`, `max_body`, `outage`, `rate`, `revocation`",
            )],
        ),
        (
            r#"[defaults]
max_body = "64"
"#,
            &[(
                "policy.toml:2: `64` has no unit",
                "write `64B`, `64KB` (1000 bytes) or `64KiB` (1024 bytes)",
            )],
        ),
        (
            "[defaults]\nmax_body = 64\n",
            &[(
                "policy.toml:2: `max_body` is a text in quotes",
                r#"write `max_body = "64KB"`"#,
            )],
        ),
        (
            r#"[defaults]
body_timeout = "2h"
"#,
            &[("policy.toml:2: `2h` is too long", "the longest is `1h`")],
        ),
        (
            r#"[defaults]
rate = "lgin"
[rates]
login = "5/min"
"#,
            &[(
                "policy.toml:2: rate `lgin` is not declared",
                "did you mean `login`?",
            )],
        ),
        (
            r#"[defaults]
rate = "login"
"#,
            &[(
                "policy.toml:2: rate `login` is not declared",
                r#"write a quota, as in `100/min`, or declare it: `[rates]` with `login = "10/min"`"#,
            )],
        ),
        (
            r#"[defaults]
rate = "login"
[rates]
login = "5/x"
"#,
            &[(
                "policy.toml:4: unknown rate unit `x`",
                r#"write `N/unit` with unit `s`, `min`, `h` or `day`, as in `rate = "10/min"`"#,
            )],
        ),
        (
            "[defaults]\nrate = []\n",
            &[(
                "policy.toml:2: an empty list of quotas",
                r#"write `rate = "100/min"`"#,
            )],
        ),
        (
            r#"[defaults]
rate = ["10/min", "100/min"]
"#,
            &[(
                "policy.toml:2: quota `100/min` can never apply: `10/min` is stricter in every respect",
                "remove `100/min`",
            )],
        ),
        (
            r#"[defaults]
rate = ["0/min", 5]
"#,
            &[
                (
                    "policy.toml:2: quota `0/min` admits nobody",
                    "the smallest is `1/min`; a handler that nobody may call needs no route",
                ),
                (
                    "policy.toml:2: `rate` is a text in quotes",
                    r#"write `rate = "100/min"`"#,
                ),
            ],
        ),
        (
            r#"[roles]
a = ["c"]

[rates]
b = "0/min"
[defaults]
max_body = "0B"
"#,
            &[
                (
                    "policy.toml:2: role `a` includes `c`, which is not declared",
                    "did you mean `a`?",
                ),
                (
                    "policy.toml:5: quota `0/min` admits nobody",
                    "the smallest is `1/min`; a handler that nobody may call needs no route",
                ),
                (
                    "policy.toml:7: `0B` lets no body through",
                    "the smallest is `1B`; a handler without a body needs no `max_body`",
                ),
            ],
        ),
        (
            "[roles]\na = []\na = []\n",
            &[(
                "policy.toml:3: duplicate key",
                "the file is written in TOML: https://toml.io/en/v1.0.0",
            )],
        ),
    ]);
    attributes(
        HANDLER,
        "[rolls]\n",
        &[(
            r#"roel = "admin", rate = "0/min", role = "whoever""#,
            &[
                (
                    "unknown key `roel`",
                    "did you mean `role`? the keys are `allow`, `body_timeout`, `concurrency`, `cost`, `crate`, `factor`, `hide`, `login`, `max_age`, `max_body`, `outage`, `priority`, `public`, `rate`, `revocation`, `role`, `scope`",
                ),
                (
                    "policy.toml:1: unknown table `rolls`",
                    "did you mean `roles`? there are `defaults`, `rates`, `roles`, `scopes`",
                ),
                (
                    "quota `0/min` admits nobody",
                    "the smallest is `1/min`; a handler that nobody may call needs no route",
                ),
            ],
        )],
    );
}

/// The `policy.toml` that `README.md` shows is one.
#[test]
fn the_vocabulary_of_the_readme_is_read() {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let (_, policy) = readme.split_once("```toml\n[roles]").unwrap();
    let (policy, _) = policy.split_once("```").unwrap();
    let policy: &'static str = format!("[roles]{policy}").leak();
    let attribute = r#"role = "support", scope = "orders:write", rate = "login""#;
    let output = expand(attribute, PLAIN, Source::Text(policy));
    assert_eq!(messages(&output), Vec::<String>::new());
}
