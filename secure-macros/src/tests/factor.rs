//! Messages about `factor`, and what it becomes.

use super::{HANDLER, VOCABULARY, attributes, good};

#[test]
fn mistakes() {
    attributes(
        HANDLER,
        VOCABULARY,
        &[
            (
                "factor",
                &[("`factor` without a value", r#"write `factor = "otp"`"#)],
            ),
            (
                r#"factor = "totp""#,
                &[("unknown factor `totp`", "did you mean `otp`?")],
            ),
            (
                r#"factor = "second""#,
                &[(
                    "unknown factor `second`",
                    "write one of RFC 8176: `face`, `fpt`, `geo`, `hwk`, `iris`, `kba`, `mca`, `mfa`, `otp`, `pin`, `pwd`, `rba`, `retina`, `sc`, `sms`, `swk`, `tel`, `user`, `vbm`, `wia`",
                )],
            ),
            (
                r#"factor = """#,
                &[(
                    "a factor without a name",
                    r#"write one, as in `factor = "otp"`"#,
                )],
            ),
            (
                r#"factor = any("otp")"#,
                &[("`any` around a single factor", r#"write `factor = "otp"`"#)],
            ),
            (
                r#"factor = all("otp", "otp")"#,
                &[("factor `otp` twice in one list", "remove one of them")],
            ),
            (
                r#"factor = ["otp", "pwd"]"#,
                &[(
                    "a list for `factor` does not say whether one or every name is needed",
                    "write `factor = any(..)` or `factor = all(..)`",
                )],
            ),
            (
                r#"factor = "otp", factor = "pwd""#,
                &[(
                    "`factor` twice",
                    "write `factor = all(..)` if both are needed, `factor = any(..)` if one is enough",
                )],
            ),
            (
                r#"public, factor = "otp""#,
                &[(
                    "`factor` on a public handler",
                    "remove `public`, or remove `factor`",
                )],
            ),
        ],
    );
}

#[test]
fn it_becomes_a_rule() {
    let output = good(r#"factor = any("hwk", "otp")"#, HANDLER).to_string();
    let output = output.replace(' ', "");
    assert!(output.contains(
        r#"factors:::core::option::Option::Some(::secure_runtime::private::Rule::Any(&["#
    ));
    assert!(
        output.contains(r#"name:"hwk",satisfied_by:&["hwk"]"#),
        "{output}"
    );
    let output = good("", HANDLER).to_string().replace(' ', "");
    assert!(output.contains("factors:::core::option::Option::None"));
}
