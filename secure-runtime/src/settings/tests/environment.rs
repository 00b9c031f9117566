//! The environment over the file.

use super::*;

#[test]
fn the_environment_overrides_the_file() {
    let settings = load(
        Some(&format!(
            "[server]\nworkers = 4\nheader_timeout = \"9s\"\n[tls]\ndevelopment = true\n\
             [client_address]\ntrusted_proxies = [\"10.0.0.0/8\"]\n{ISSUER}\
             [[issuers.keys]]\nalgorithm = \"EdDSA\"\npublic_key = \"a\"\n"
        )),
        &[
            ("SECURE__SERVER__ADDRESS", "127.0.0.1:1"),
            ("SECURE__SERVER__WORKERS", "2"),
            ("secure__realm", "shop"),
            ("SECURE__ISSUERS__0__AUDIENCE", "https://other"),
            ("SECURE__ISSUERS__0__ROLES", "roles, realm_access.roles"),
            ("SECURE__ISSUERS__0__KEYS__0__ID", "first"),
            ("SECURE__CLIENT_ADDRESS__TRUSTED_PROXIES", ""),
            ("SECURE__TOKENS__CACHE", "0"),
            ("SECURE_SETTINGS", "elsewhere.toml"),
            ("SECURE", "no setting"),
            ("PATH", "/bin"),
        ],
    )
    .unwrap();
    assert_eq!(settings.server.address, "127.0.0.1:1".parse().unwrap());
    assert_eq!(settings.server.workers, NonZeroUsize::new(2));
    assert_eq!(settings.server.header_timeout, Duration::from_secs(9));
    assert_eq!(settings.realm, "shop");
    assert_eq!(settings.issuers[0].issuer, "https://id");
    assert_eq!(settings.issuers[0].audience, "https://other");
    assert_eq!(settings.issuers[0].roles, ["roles", "realm_access.roles"]);
    assert_eq!(settings.issuers[0].keys[0].id.as_deref(), Some("first"));
    assert_eq!(settings.client_address.trusted_proxies, []);
    assert_eq!(settings.tokens.cache, 0);
}

#[test]
fn the_environment_alone_is_enough() {
    let settings = load(
        None,
        &[
            ("SECURE__TLS__DEVELOPMENT", "true"),
            ("SECURE__ISSUERS__0__ISSUER", "https://id"),
            ("SECURE__ISSUERS__0__AUDIENCE", "api"),
            ("SECURE__ISSUERS__0__KEYS__0__ALGORITHM", "HS256"),
            ("SECURE__ISSUERS__0__KEYS__0__SECRET_BASE64", SECRET),
        ],
    )
    .unwrap();
    assert_eq!(settings.tls, Some(TlsSettings::Development));
    assert!(matches!(
        settings.issuers[0].keys[0].source,
        KeySource::Secret(_)
    ));
}

#[test]
fn every_mistake_in_the_environment_has_its_message() {
    let no_setting = "this names no setting; write it as `SECURE__SERVER__ADDRESS`";
    for (name, value, message) in [
        (
            "SECURE__SERVER__WORKERS",
            "two",
            "`server.workers` (SECURE__SERVER__WORKERS): write a number from 1".to_owned(),
        ),
        (
            "SECURE__REALM",
            "",
            "`realm` (SECURE__REALM): the value is empty".to_owned(),
        ),
        (
            "SECURE__SERVER",
            "a",
            "`server` (SECURE__SERVER): write a table, as in `[server]`".to_owned(),
        ),
        (
            "SECURE__REALM__X",
            "a",
            "`realm` (secure.toml): write text in quotes".to_owned(),
        ),
        (
            "SECURE__DANGER__PLAINTEXT",
            "1",
            "`danger.plaintext` (SECURE__DANGER__PLAINTEXT): write `true` or `false`".to_owned(),
        ),
        (
            "SECURE__ISSUERS__1__ISSUER",
            "a",
            "`issuers[0]` (secure.toml): write a list of tables, as in `[[issuers]]`".to_owned(),
        ),
        (
            "SECURE__ISSUERS__100__ISSUER",
            "a",
            format!("SECURE__ISSUERS__100__ISSUER: {no_setting}"),
        ),
        ("SECURE__0", "a", format!("SECURE__0: {no_setting}")),
        ("SECURE__", "a", format!("SECURE__: {no_setting}")),
        (
            "SECURE____REALM",
            "a",
            format!("SECURE____REALM: {no_setting}"),
        ),
        ("SECURE__A.B", "a", format!("SECURE__A.B: {no_setting}")),
        (
            "SECURE__ISSUERS[0]",
            "a",
            format!("SECURE__ISSUERS[0]: {no_setting}"),
        ),
        (
            "SECURE__\u{1b}",
            "a",
            format!("SECURE__\\u{{1b}}: {no_setting}"),
        ),
    ] {
        let error = load(Some("[tls]\ndevelopment = true\n"), &[(name, value)]).unwrap_err();
        assert_eq!(messages(error)[0], message, "{name}");
    }
    let twice = [("SECURE__REALM", "a"), ("SECURE__realm", "b")];
    assert_eq!(
        messages(load(None, &twice).unwrap_err()),
        ["SECURE__realm: set twice, in upper and in lower case; keep one"]
    );
}

#[cfg(unix)]
#[test]
fn a_value_that_is_not_unicode_is_not_shown() {
    use std::os::unix::ffi::OsStringExt;

    let value = OsString::from_vec(b"hunter2\xff".to_vec());
    let variables = [(OsString::from("SECURE__REALM"), value)];
    let error = Environment::new(variables.into_iter())
        .map(drop)
        .unwrap_err();
    assert_eq!(
        messages(error),
        ["SECURE__REALM: the value is not text in UTF-8"]
    );
}

#[test]
fn the_default_file_may_be_missing_and_a_named_one_may_not() {
    let folder = std::env::temp_dir().join(format!("secure-load-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let load = |variables: &[(&str, &str)]| {
        let variables = variables
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value)))
            .collect::<Vec<_>>();
        Settings::load_from(&folder, variables.into_iter())
    };
    let development = ("SECURE__TLS__DEVELOPMENT", "true");

    assert_eq!(load(&[development]).unwrap().realm, "api");
    assert_eq!(
        messages(load(&[development, ("SECURE_SETTINGS", "other.toml")]).unwrap_err()),
        [
            "other.toml: the file that `SECURE_SETTINGS` names cannot be read: \
          No such file or directory (os error 2)"
        ]
    );

    fs::write(folder.join("secure.toml"), "realm = \"default\"").unwrap();
    fs::write(folder.join("other.toml"), "realm = \"other\"").unwrap();
    assert_eq!(load(&[development]).unwrap().realm, "default");
    assert_eq!(
        load(&[development, ("SECURE_SETTINGS", "other.toml")])
            .unwrap()
            .realm,
        "other"
    );
    fs::write(folder.join("other.toml"), "realm = ").unwrap();
    let error = load(&[development, ("SECURE_SETTINGS", "other.toml")]).unwrap_err();
    assert!(messages(error)[0].starts_with("other.toml: not TOML at line 1, column 9: "));
    fs::remove_dir_all(&folder).unwrap();
}
