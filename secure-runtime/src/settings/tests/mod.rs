mod by_hand;
mod environment;
mod mistakes;
mod mistakes_in_keys;
mod mistakes_in_listening;
#[cfg(feature = "passwords")]
mod passwords;
mod secrets;
mod token_issuer;

use std::ffi::OsString;

use super::*;

/// What must never be shown; decodes as base64.
const SECRET: &str = "aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMmh1bnRlcjI=";

const ISSUER: &str = "[[issuers]]\nissuer = \"https://id\"\naudience = \"api\"\n";

fn messages(error: Error) -> Vec<String> {
    let Error::Settings(mistakes) = error else {
        panic!("{error}");
    };
    mistakes.iter().map(ToString::to_string).collect()
}

fn load(file: Option<&str>, variables: &[(&str, &str)]) -> Result<Settings, Error> {
    let variables = variables
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Settings::merge(file, Some("secure.toml"), Environment::new(variables)?)
}

/// Each text is a file that is right but for one thing.
fn each_has_its_message(mistakes: &[(&str, &str)]) {
    for (text, message) in mistakes {
        let text = format!("{text}\n[tls]\ndevelopment = true\n");
        let error = Settings::from_toml(&text).unwrap_err();
        assert_eq!(messages(error), [*message], "{text}");
    }
}

#[test]
fn keys_of_a_socket_file_are_read() {
    let settings = Settings::from_toml(
        r#"
        [server]
        address = "unix:/run/shop.sock"
        socket_mode = "600"
        transport = "behind_proxy"

        [client_address]
        trusted_proxies = ["unix"]
        "#,
    )
    .unwrap();
    let path = settings.server.address.unix();
    assert_eq!(path, Some(std::path::Path::new("/run/shop.sock")));
    assert_eq!(
        settings.server.socket_mode.map(SocketMode::bits),
        Some(0o600)
    );
    let proxies = settings.client_address.trusted_proxies;
    assert_eq!(proxies, [TrustedProxy::Unix]);
}

#[test]
fn every_key_is_read() {
    let settings = Settings::from_toml(&format!(
        r#"
        realm = "shop"
        resource_metadata = "https://shop.example/.well-known/oauth-protected-resource"

        [server]
        address = "[::1]:9443"
        proxy_protocol = true
        transport = "behind_proxy"
        workers = 3
        shutdown_timeout = "1min"
        header_timeout = "2s"
        max_connections = 500
        max_connections_per_client = 50

        [tls]
        certificate = "chain.pem"
        private_key = "key.pem"

        [client_address]
        trusted_proxies = ["10.0.0.0/8", "::1"]
        header = "forwarded"
        ipv6_prefix = 48

        [tokens]
        leeway = "5min"
        max_lifetime = "8h"
        cache = "1MiB"

        [limits]
        max_keys = 5000
        max_in_flight = 300
        reserved_for_critical = "25%"
        fields = "scarce"

        [login]
        secret_env = "LOGIN_SECRET"
        free_failures = 3
        delay = "2s"
        max_delay = "30min"
        disable_after = 50
        network_failures = 11
        network_accounts = 12
        network_ban = "2min"
        max_network_ban = "3h"
        password_accounts = 13
        global_failures = 14
        device_max_age = "7day"
        max_keys = 6000

        [revocation]
        file = "/var/lib/shop/revocations"
        max_entries = 7000

        [[issuers]]
        issuer = "https://id.example.com"
        audience = "https://shop.example.com"
        roles = ["realm_access.roles", "groups"]
        scopes = ["scp"]
        client_id = "azp"
        accept_generic_typ = true

        [[issuers.keys]]
        id = "a"
        algorithm = "EdDSA"
        public_key = """
        -----BEGIN PUBLIC KEY-----"""

        [[issuers.keys]]
        id = "b"
        algorithm = "ES256"
        public_key_file = "b.pem"

        [[issuers]]
        issuer = "legacy"
        audience = "shop"

        [[issuers.keys]]
        id = "a"
        algorithm = "HS256"
        secret_base64 = "{SECRET}"

        [[issuers.keys]]
        id = "b"
        algorithm = "HS384"
        secret_file = "b.secret"

        [[issuers.keys]]
        id = "c"
        algorithm = "HS512"
        secret_env = "LEGACY_SECRET"
        "#
    ))
    .unwrap();

    assert_eq!(settings.realm, "shop");
    assert!(settings.resource_metadata.unwrap().starts_with("https://"));
    assert_eq!(
        settings.server,
        ServerSettings {
            address: "[::1]:9443".parse().unwrap(),
            socket_mode: None,
            proxy_protocol: true,
            transport: Transport::BehindProxy,
            workers: NonZeroUsize::new(3),
            shutdown_timeout: Duration::from_secs(60),
            header_timeout: Duration::from_secs(2),
            max_connections: NonZeroUsize::new(500),
            max_connections_per_client: NonZeroUsize::new(50),
        }
    );
    assert_eq!(
        settings.tls,
        Some(TlsSettings::Files {
            certificate: "chain.pem".into(),
            private_key: "key.pem".into(),
        })
    );
    assert_eq!(
        settings.client_address,
        ClientAddressSettings {
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap(),],
            header: ForwardedHeader::Forwarded,
            hops: None,
            ipv6_prefix: Ipv6Prefix::new(48).unwrap(),
        }
    );
    let login = &settings.login;
    assert!(matches!(&login.secret, Some(KeySource::SecretEnv(name)) if name == "LOGIN_SECRET"));
    assert_eq!((login.free_failures, login.disable_after), (3, 50));
    assert_eq!(login.delay, Duration::from_secs(2));
    assert_eq!(login.max_delay, Duration::from_secs(1800));
    let counts = [
        login.network_failures,
        login.network_accounts,
        login.password_accounts,
        login.global_failures,
    ];
    assert_eq!(counts, [11, 12, 13, 14]);
    assert_eq!(login.network_ban, Duration::from_secs(120));
    assert_eq!(login.max_network_ban, Duration::from_secs(3 * 3600));
    assert_eq!(login.device_max_age, Duration::from_secs(7 * 86_400));
    assert_eq!(login.max_keys.get(), 6000);
    assert_eq!(
        settings.tokens,
        TokenSettings {
            leeway: Duration::from_secs(300),
            max_lifetime: Duration::from_secs(8 * 3600),
            cache: 1 << 20,
        }
    );
    assert_eq!(settings.limits.max_keys.get(), 5000);
    assert_eq!(settings.limits.max_in_flight.get(), 300);
    assert_eq!(settings.limits.reserved_for_critical, 25);
    assert_eq!(settings.limits.fields, RateLimitFields::Scarce);
    assert_eq!(
        settings.revocation,
        RevocationSettings {
            file: Some("/var/lib/shop/revocations".into()),
            max_entries: NonZeroUsize::new(7000).unwrap(),
            ..RevocationSettings::default()
        }
    );
    assert_eq!(settings.danger, DangerSettings::default());

    let [id, legacy] = settings.issuers.as_slice() else {
        panic!("{:?}", settings.issuers);
    };
    assert_eq!(id.issuer, "https://id.example.com");
    assert_eq!(id.audience, "https://shop.example.com");
    assert_eq!(id.roles, ["realm_access.roles", "groups"]);
    assert_eq!(id.scopes, ["scp"]);
    assert_eq!(id.client_id, "azp");
    assert!(id.accept_generic_typ);
    assert_eq!(legacy.roles, ["roles"]);
    assert_eq!(legacy.scopes, ["scope", "scp"]);
    assert_eq!(legacy.client_id, "client_id");
    assert!(!legacy.accept_generic_typ);
    let algorithms = |issuer: &IssuerSettings| {
        issuer
            .keys
            .iter()
            .map(|key| key.algorithm)
            .collect::<Vec<_>>()
    };
    assert_eq!(algorithms(id), [Algorithm::EdDsa, Algorithm::Es256]);
    assert_eq!(
        algorithms(legacy),
        [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512]
    );
    assert!(matches!(&id.keys[0].source, KeySource::PublicKey(_)));
    assert!(matches!(&id.keys[1].source, KeySource::PublicKeyFile(_)));
    assert!(matches!(&legacy.keys[0].source, KeySource::Secret(_)));
    assert!(matches!(&legacy.keys[1].source, KeySource::SecretFile(_)));
    assert!(matches!(&legacy.keys[2].source, KeySource::SecretEnv(_)));
}

#[test]
fn when_addresses_are_banned() {
    use crate::bans::StrikeKind::{Authentication, Login, NotFound};

    let bans = |text: &str| {
        let tls = "[tls]\ndevelopment = true\n";
        Settings::from_toml(&format!("{text}\n{tls}")).unwrap().bans
    };
    assert_eq!(bans(""), BanSettings::default());
    assert_eq!(bans("").rules, [], "no rule bans unless asked to");
    let settings = bans(
        r#"
        [bans]
        max_entries = 500

        [[bans.rules]]
        on = ["authentication", "login"]
        count = 20
        within = "1min"
        ban = "1h"

        [[bans.rules]]
        on = "not_found"
        count = 50
        within = "10s"
        ban = "2day"
        growth = 3
        max = "4day"
        "#,
    );
    assert_eq!(settings.max_entries.get(), 500);
    let [first, second] = settings.rules.as_slice() else {
        panic!("{:?}", settings.rules);
    };
    assert_eq!(first.on, [Authentication, Login]);
    assert_eq!((first.count.get(), first.growth.get()), (20, 2));
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    assert_eq!(first.within, Duration::from_secs(60));
    assert_eq!((first.ban, first.max), (hours(1), hours(24)));
    assert_eq!(second.on, [NotFound]);
    assert_eq!((second.count.get(), second.growth.get()), (50, 3));
    assert_eq!((second.ban, second.max), (hours(48), hours(96)));
}

#[cfg(feature = "redis")]
#[test]
fn where_the_shared_store_is() {
    let tls = "[tls]\ndevelopment = true\n";
    let redis = |text: &str| {
        Settings::from_toml(&format!("{text}\n{tls}"))
            .unwrap()
            .redis
    };
    assert_eq!(redis(""), None);
    let mut expected = RedisSettings::new("rediss://u:p@h");
    assert_eq!(expected.prefix, "secure");
    assert_eq!(
        redis("[redis]\nurl = \"rediss://u:p@h\""),
        Some(expected.clone())
    );
    expected.prefix = "shop".to_owned();
    expected.ca_file = Some("ca.pem".into());
    assert_eq!(
        redis("[redis]\nurl = \"rediss://u:p@h\"\nprefix = \"shop\"\nca_file = \"ca.pem\""),
        Some(expected)
    );
}

#[test]
fn every_algorithm_is_found_by_its_name() {
    for algorithm in Algorithm::ALL {
        assert_eq!(algorithm.name().parse(), Ok(*algorithm));
        assert!(UnknownAlgorithm.to_string().contains(algorithm.name()));
    }
    for name in ["none", "NONE", "eddsa", "HS256 ", "", "RS1"] {
        assert_eq!(name.parse::<Algorithm>(), Err(UnknownAlgorithm));
    }
}

#[test]
fn the_example_in_the_documentation_is_right() {
    let example = include_str!("../mod.rs")
        .lines()
        .skip_while(|line| *line != "//! ```toml")
        .skip(1)
        .take_while(|line| *line != "//! ```")
        .map(|line| line.trim_start_matches("//!"))
        .collect::<Vec<_>>()
        .join("\n");
    let settings = Settings::from_toml(&example).unwrap();
    assert_eq!(settings.realm, "shop");
    assert_eq!(settings.issuers[0].keys.len(), 1);
}
