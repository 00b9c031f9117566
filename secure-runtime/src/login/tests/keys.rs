//! Names become keys, and nothing of them is left.

use crate::{
    address::ClientAddress,
    login::{
        device::Cookies,
        key::{Secret, normal},
    },
};

/// G8: what an authenticator takes for one name is one name here.
#[test]
fn g8_spaces_and_letter_case_do_not_make_another_account() {
    for (one, other) in [
        ("ann", "ANN"),
        (" ann\t", "Ann"),
        ("\u{a0}ann\u{2003}", "ann"),
        ("straße", "STRASSE"),
        ("ΟΔΟΣ", "οδος"),
        ("οδοσ", "οδος"),
        ("Ångström", "ångström"),
        ("K", "\u{212a}"),
        ("", "  "),
    ] {
        assert_eq!(normal(one), normal(other));
    }
    assert_ne!(normal("ann"), normal("a nn"));
    assert_ne!(normal("ann"), normal("anna"));
}

/// Everything that tells two attempts apart tells their keys apart.
#[test]
fn keys_differ_where_anything_does() {
    let secret = Secret::random().unwrap();
    let other = Secret::random().unwrap();
    let network = |text: &str| {
        let address: std::net::IpAddr = text.parse().unwrap();
        secret.network(ClientAddress::from(address).network(crate::address::Ipv6Prefix::default()))
    };
    let account = secret.account("a", "bc");
    let keys = [
        account,
        secret.account("ab", "c"),
        secret.account("a", "b"),
        other.account("a", "bc"),
        secret.marks("bc"),
        secret.password("a", "bc"),
        secret.password("ab", "c"),
        secret.device(account, &[0; 16]),
        secret.device(account, &[1; 16]),
        network("10.0.0.1"),
        network("10.0.0.2"),
        network("2001:db8::1"),
        secret.network(ClientAddress::Unknown.network(crate::address::Ipv6Prefix::default())),
        secret.pair(account, network("10.0.0.1")),
        secret.pair(account, network("10.0.0.2")),
        secret.pair(network("10.0.0.1"), account),
    ];
    for (place, key) in keys.iter().enumerate() {
        assert!(!keys[..place].contains(key), "{place}");
    }
    assert_eq!(account, secret.account("a", "bc"));
    assert_eq!(network("2001:db8::1"), network("2001:db8:0:0:ff::2"));
    assert_eq!(format!("{secret:?}"), "Secret");
}

/// The cookies of two handlers of one site do not overwrite each other.
#[test]
fn each_handler_has_its_cookie() {
    let secret = Secret::random().unwrap();
    let issue = |handler| {
        let cookies = Cookies::new(&secret, handler, 60);
        let account = secret.account(handler, "ann");
        let cookie = cookies.issue(&secret, account, None, 1).unwrap();
        assert!(cookie.is_sensitive());
        assert_eq!(format!("{cookie:?}"), "Sensitive");
        cookie
            .to_str()
            .unwrap()
            .split('=')
            .next()
            .unwrap()
            .to_owned()
    };
    assert_ne!(issue("a"), issue("b"));
    assert_eq!(issue("a"), issue("a"));
}
