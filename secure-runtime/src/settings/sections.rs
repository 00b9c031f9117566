//! The keys of each table.

use std::{cell::RefCell, collections::HashMap, net::IpAddr};

use config::Value;
use ipnet::IpNet;

use super::{
    ClientAddressSettings, DangerSettings, ForwardedHeader, IssuerSettings, KeySettings, KeySource,
    LimitSettings, LoginSettings, RedisSettings, RevocationSettings, ServerSettings, Settings,
    TlsSettings, TokenSettings, Transport, keys,
    read::{Table, boolean, count, parsed, text, texts},
    units,
};
use crate::error::Mistakes;

const DURATION: &str = "write a number and a unit, `s`, `min`, `h` or `day`, as in `30s`";
const SIZE: &str = "write a number and a unit, `B`, `KB`, `MB`, `GB`, `KiB`, `MiB` or `GiB`, as in `32MiB`, or `0`";

/// Reads everything; what is wrong is replaced by its default and recorded.
pub(super) fn settings(entries: HashMap<String, Value>, mistakes: &mut Mistakes) -> Settings {
    let mistakes = RefCell::new(mistakes);
    let mut root = Table::root(entries, &mistakes);
    let default = Settings::default();
    let settings = Settings {
        realm: root.optional("realm", text).unwrap_or(default.realm),
        resource_metadata: root.optional("resource_metadata", text),
        server: root.table("server", server).unwrap_or(default.server),
        tls: root.table("tls", tls).flatten(),
        client_address: root
            .table("client_address", client_address)
            .unwrap_or(default.client_address),
        issuers: root
            .tables("issuers", issuer)
            .into_iter()
            .flatten()
            .collect(),
        tokens: root.table("tokens", tokens).unwrap_or(default.tokens),
        limits: root.table("limits", limits).unwrap_or(default.limits),
        login: root.table("login", login).unwrap_or(default.login),
        redis: root.table("redis", redis).flatten(),
        revocation: root
            .table("revocation", revocation)
            .unwrap_or(default.revocation),
        danger: root.table("danger", danger).unwrap_or(default.danger),
    };
    root.refuse_the_rest();
    settings
}

fn server(table: &mut Table<'_>) -> ServerSettings {
    let default = ServerSettings::default();
    ServerSettings {
        address: table
            .optional(
                "address",
                parsed(
                    |text| text.parse().ok(),
                    "write an address and a port, as in `127.0.0.1:8443`",
                ),
            )
            .unwrap_or(default.address),
        transport: table
            .optional(
                "transport",
                parsed(
                    |text| match text {
                        "behind_proxy" => Some(Transport::BehindProxy),
                        "https" => Some(Transport::Https),
                        _ => None,
                    },
                    "write `https` or `behind_proxy`",
                ),
            )
            .unwrap_or(default.transport),
        workers: table.optional("workers", count),
        shutdown_timeout: table
            .optional("shutdown_timeout", parsed(units::duration, DURATION))
            .unwrap_or(default.shutdown_timeout),
        header_timeout: table
            .optional("header_timeout", parsed(units::duration, DURATION))
            .unwrap_or(default.header_timeout),
        max_connections: table.optional("max_connections", count),
    }
}

fn tls(table: &mut Table<'_>) -> Option<TlsSettings> {
    let certificate = table.optional("certificate", text);
    let private_key = table.optional("private_key", text);
    let development = table.optional("development", boolean);
    match (certificate, private_key, development.unwrap_or_default()) {
        (None, None, false) => None,
        (None, None, true) => Some(TlsSettings::Development),
        (Some(certificate), Some(private_key), false) => Some(TlsSettings::Files {
            certificate: certificate.into(),
            private_key: private_key.into(),
        }),
        (Some(_), None, false) => {
            table.mistake("private_key", "missing; it belongs to `certificate`");
            None
        }
        (None, Some(_), false) => {
            table.mistake("certificate", "missing; it belongs to `private_key`");
            None
        }
        (_, _, true) => {
            table.mistake(
                "development",
                "a certificate is given as well; remove one of the two",
            );
            None
        }
    }
}

fn client_address(table: &mut Table<'_>) -> ClientAddressSettings {
    ClientAddressSettings {
        trusted_proxies: table
            .optional("trusted_proxies", |kind| {
                texts(kind)?
                    .iter()
                    .map(|item| network(item))
                    .collect::<Option<_>>()
                    .ok_or("write a list of networks, as in `[\"10.0.0.0/8\", \"::1\"]`")
            })
            .unwrap_or_default(),
        header: table
            .optional(
                "header",
                parsed(
                    |text| match text {
                        "forwarded" => Some(ForwardedHeader::Forwarded),
                        "x-forwarded-for" => Some(ForwardedHeader::XForwardedFor),
                        _ => None,
                    },
                    "write `x-forwarded-for` or `forwarded`",
                ),
            )
            .unwrap_or_default(),
        hops: table.optional("hops", count),
    }
}

fn network(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>()
        .ok()
        .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn issuer(table: &mut Table<'_>) -> Option<IssuerSettings> {
    let issuer = table.required("issuer", text);
    let audience = table.required("audience", text);
    let default = IssuerSettings::new("", "");
    let settings = IssuerSettings {
        issuer: String::new(),
        audience: String::new(),
        roles: table.optional("roles", texts).unwrap_or(default.roles),
        scopes: table.optional("scopes", texts).unwrap_or(default.scopes),
        client_id: table
            .optional("client_id", text)
            .unwrap_or(default.client_id),
        token_id: table.optional("token_id", text).unwrap_or(default.token_id),
        accept_generic_typ: table
            .optional("accept_generic_typ", boolean)
            .unwrap_or_default(),
        keys: table.tables("keys", key).into_iter().flatten().collect(),
    };
    Some(IssuerSettings {
        issuer: issuer?,
        audience: audience?,
        ..settings
    })
}

fn key(table: &mut Table<'_>) -> Option<KeySettings> {
    let id = table.optional("id", text);
    let algorithm = table.required("algorithm", |kind| {
        text(kind)?
            .parse()
            .map_err(|error: super::UnknownAlgorithm| error.to_string())
    });
    let given = table.given(&[
        "public_key",
        "public_key_file",
        "secret_base64",
        "secret_env",
        "secret_file",
    ]);
    let sources = [
        table.optional("public_key", text).map(KeySource::PublicKey),
        table
            .optional("public_key_file", text)
            .map(|path| KeySource::PublicKeyFile(path.into())),
        table
            .optional("secret_base64", |kind| keys::secret(&text(kind)?))
            .map(KeySource::Secret),
        table
            .optional("secret_file", text)
            .map(|path| KeySource::SecretFile(path.into())),
        table.optional("secret_env", text).map(KeySource::SecretEnv),
    ];
    if given != 1 {
        table.mistake_here(
            "write exactly one of `public_key`, `public_key_file`, `secret_base64`, \
             `secret_file` and `secret_env`",
        );
    }
    let source = sources.into_iter().flatten().next()?;
    Some(KeySettings {
        id,
        algorithm: algorithm?,
        source,
    })
}

fn tokens(table: &mut Table<'_>) -> TokenSettings {
    let default = TokenSettings::default();
    TokenSettings {
        leeway: table
            .optional("leeway", parsed(units::duration, DURATION))
            .unwrap_or(default.leeway),
        max_lifetime: table
            .optional("max_lifetime", parsed(units::duration, DURATION))
            .unwrap_or(default.max_lifetime),
        cache: table
            .optional("cache", parsed(units::size, SIZE))
            .unwrap_or(default.cache),
    }
}

fn limits(table: &mut Table<'_>) -> LimitSettings {
    LimitSettings {
        max_keys: table
            .optional("max_keys", count)
            .unwrap_or(LimitSettings::default().max_keys),
    }
}

fn login(table: &mut Table<'_>) -> LoginSettings {
    let default = LoginSettings::default();
    let secrets = ["secret_base64", "secret_env", "secret_file"];
    if table.given(&secrets) > 1 {
        table.mistake_here("write one of `secret_base64`, `secret_env` and `secret_file`");
    }
    let sources = [
        table
            .optional("secret_base64", |kind| keys::secret(&text(kind)?))
            .map(KeySource::Secret),
        table.optional("secret_env", text).map(KeySource::SecretEnv),
        table
            .optional("secret_file", text)
            .map(|path| KeySource::SecretFile(path.into())),
    ];
    let mut number = |key: &'static str, default: u32| {
        let wanted = "write a number from 1";
        let read = |kind| u32::try_from(count(kind)?.get()).map_err(|_| wanted);
        table.optional(key, read).unwrap_or(default)
    };
    LoginSettings {
        secret: sources.into_iter().flatten().next(),
        free_failures: number("free_failures", default.free_failures),
        disable_after: number("disable_after", default.disable_after),
        network_failures: number("network_failures", default.network_failures),
        network_accounts: number("network_accounts", default.network_accounts),
        password_accounts: number("password_accounts", default.password_accounts),
        global_failures: number("global_failures", default.global_failures),
        delay: table
            .optional("delay", parsed(units::duration, DURATION))
            .unwrap_or(default.delay),
        max_delay: table
            .optional("max_delay", parsed(units::duration, DURATION))
            .unwrap_or(default.max_delay),
        device_max_age: table
            .optional("device_max_age", parsed(units::duration, DURATION))
            .unwrap_or(default.device_max_age),
        max_keys: table
            .optional("max_keys", count)
            .unwrap_or(default.max_keys),
    }
}

fn redis(table: &mut Table<'_>) -> Option<RedisSettings> {
    let url = table.required("url", text);
    let prefix = table.optional("prefix", text);
    let ca_file = table.optional("ca_file", text);
    let mut settings = RedisSettings::new(url?.as_str());
    settings.prefix = prefix.unwrap_or(settings.prefix);
    settings.ca_file = ca_file.map(Into::into);
    Some(settings)
}

fn revocation(table: &mut Table<'_>) -> RevocationSettings {
    let default = RevocationSettings::default();
    RevocationSettings {
        file: table.optional("file", text).map(Into::into),
        max_entries: table
            .optional("max_entries", count)
            .unwrap_or(default.max_entries),
    }
}

fn danger(table: &mut Table<'_>) -> DangerSettings {
    DangerSettings {
        plaintext: table.optional("plaintext", boolean).unwrap_or_default(),
    }
}
