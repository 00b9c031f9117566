//! The `Authorization` field.

use super::*;

#[track_caller]
fn refusal(value: &[u8]) -> (Refusal, String) {
    let refused = Credentials::from_field(value).unwrap_err();
    (refused.refusal(), refused.reason().to_owned())
}

#[test]
fn h02_nothing_or_another_scheme_is_missing_credentials() {
    let refused = rig()
        .authenticator
        .authenticate(&HeaderMap::new())
        .unwrap_err();
    assert_eq!(refused.refusal(), Refusal::CredentialsMissing);
    for value in [
        &b""[..],
        b"Basic dXNlcjpwYXNz",
        b"DPoP a.b.c",
        b"Bearera.b.c",
        b"Bearer\ta.b.c",
        b"Bearer=a.b.c",
        b"Bear",
        b"a.b.c",
        b" Bearer a.b.c",
        b"\xff\xff\xff\xff\xff\xff\xff",
    ] {
        assert_eq!(refusal(value).0, Refusal::CredentialsMissing, "{value:?}");
    }
}

#[test]
fn h02_the_scheme_is_read_in_any_letter_case() {
    for value in [
        "Bearer a.b.c",
        "bearer a.b.c",
        "BEARER a.b.c",
        "bEaReR   a.b.c",
    ] {
        let credentials = Credentials::from_field(value.as_bytes()).unwrap();
        assert_eq!(credentials.parts(), [b"a", b"b", b"c"]);
        assert_eq!(credentials.signed(), b"a.b");
    }
}

#[test]
fn h03_a_bearer_without_a_whole_token_is_invalid() {
    for value in [
        &b"Bearer"[..],
        b"Bearer ",
        b"Bearer a",
        b"Bearer a.b",
        b"Bearer a.b.",
        b"Bearer .b.c",
        b"Bearer a..c",
        b"Bearer ..",
        b"Bearer a.b.c.d",
    ] {
        assert_eq!(
            refusal(value),
            (
                Refusal::CredentialsInvalid,
                "token: not three parts with something in each".to_owned()
            ),
            "{value:?}"
        );
    }
}

#[test]
fn h05_two_fields_are_ambiguous_even_if_they_are_the_same() {
    let token = token(&header(), &payload());
    for second in [
        format!("Bearer {token}"),
        "Basic eDp5".to_owned(),
        String::new(),
    ] {
        let mut headers = bearer(&token);
        headers.append(AUTHORIZATION, HeaderValue::from_str(&second).unwrap());
        let refused = rig().authenticator.authenticate(&headers).unwrap_err();
        assert_eq!(refused.refusal(), Refusal::CredentialsAmbiguous);
        assert_eq!(refused.refusal().status(), 400);
    }
}

#[test]
fn j06_no_other_bytes_are_parsed() {
    for byte in 0..=255_u8 {
        let value = [b"Bearer a.b.c", &[byte][..]].concat();
        let known = byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        assert_eq!(Credentials::from_field(&value).is_ok(), known, "{byte:#x}");
    }
}

#[test]
fn j20_a_long_token_is_refused_before_it_is_parsed() {
    let field = |length: usize| format!("Bearer a.b.{}", "c".repeat(length - 4)).into_bytes();
    assert!(Credentials::from_field(&field(MAX_TOKEN_BYTES)).is_ok());
    assert_eq!(
        refusal(&field(MAX_TOKEN_BYTES + 1)),
        (
            Refusal::CredentialsInvalid,
            "token: longer than 8 KiB".to_owned()
        )
    );
    // Length comes first: bytes that are not allowed do not matter any more.
    assert_eq!(
        refusal(&[b"Bearer ", &[0xff; 100_000][..]].concat()).1,
        "token: longer than 8 KiB"
    );
}

#[test]
fn a_token_is_not_shown() {
    let shown = format!(
        "{:?}",
        Credentials::from_field(b"Bearer secret.b.c").unwrap()
    );
    assert!(!shown.contains("secret") && !shown.contains("115"));
}
