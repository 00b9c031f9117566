//! Settings that are made in code, where no file was read.

use super::*;

#[test]
fn settings_made_by_hand_are_checked_too() {
    let settings = Settings {
        realm: "a\"b".to_owned(),
        tls: Some(TlsSettings::Development),
        issuers: vec![IssuerSettings::new("", "")],
        ..Settings::default()
    };
    assert_eq!(
        messages(settings.check().unwrap_err()),
        [
            "`realm`: write printable ASCII without `\"` and `\\`, as in `shop`",
            "`issuers[0].issuer`: the value is empty",
            "`issuers[0].audience`: the value is empty",
            "`issuers[0].keys`: missing; add a table `[[issuers.keys]]`",
        ]
    );
}

/// G1: a bound of nothing made by hand would be no bound at all.
#[test]
fn bounds_of_logins_made_by_hand_are_checked() {
    for change in [
        (|login| login.network_failures = 0) as fn(&mut crate::settings::LoginSettings),
        |login| login.network_accounts = 0,
        |login| login.password_accounts = 0,
        |login| login.global_failures = 0,
        |login| login.disable_after = u32::MAX,
        |login| login.max_delay = std::time::Duration::MAX,
        |login| login.max_network_ban = std::time::Duration::MAX,
        |login| login.network_ban = std::time::Duration::ZERO,
        |login| login.network_ban = login.max_network_ban * 2,
    ] {
        let mut settings = Settings::default();
        change(&mut settings.login);
        let built = crate::Security::builder().settings(settings).build();
        let messages = messages(built.unwrap_err());
        assert!(messages[0].starts_with("`login."), "{messages:?}");
    }
}
