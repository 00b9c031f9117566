//! The keys of each table.

mod issuers;

use std::{cell::RefCell, collections::HashMap, fmt::Display, str::FromStr};

use config::{Value, ValueKind};

use self::issuers::{client, issuer, revocation, token_issuer, tokens};
use super::{
    BanRuleSettings, BanSettings, ClientAddressSettings, DangerSettings, ForwardedHeader,
    Ipv6Prefix, KeySource, LimitSettings, ListenAddress, LoginSettings, NotAProxy, RateLimitFields,
    RedisSettings, ServerSettings, Settings, SocketMode, TlsSettings, Transport, keys, passwords,
    read::{Table, boolean, count, parsed, text, texts},
    units,
};
use crate::{bans::StrikeKind, error::Mistakes};

const DURATION: &str = "write a number and a unit, `s`, `min`, `h` or `day`, as in `30s`";
const PERCENT: &str = "write a number and `%`, `0%` to `90%`, as in `10%`";
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
        bans: root.table("bans", bans).unwrap_or(default.bans),
        login: root.table("login", login).unwrap_or(default.login),
        redis: root.table("redis", redis).flatten(),
        revocation: root
            .table("revocation", revocation)
            .unwrap_or(default.revocation),
        token_issuer: root.table("token_issuer", token_issuer).flatten(),
        clients: root
            .tables("clients", client)
            .into_iter()
            .flatten()
            .collect(),
        passwords: root
            .table("passwords", passwords::read)
            .unwrap_or(default.passwords),
        danger: root.table("danger", danger).unwrap_or(default.danger),
    };
    root.refuse_the_rest();
    settings
}

fn server(table: &mut Table<'_>) -> ServerSettings {
    let default = ServerSettings::default();
    ServerSettings {
        address: table
            .optional("address", written::<ListenAddress>)
            .unwrap_or(default.address),
        socket_mode: table.optional("socket_mode", written::<SocketMode>),
        proxy_protocol: table
            .optional("proxy_protocol", boolean)
            .unwrap_or(default.proxy_protocol),
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
        max_connections_per_client: table.optional("max_connections_per_client", count),
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
                    .map(|item| item.parse())
                    .collect::<Result<_, _>>()
                    .map_err(|error: NotAProxy| error.to_string())
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
        ipv6_prefix: table
            .optional("ipv6_prefix", |kind| {
                count(kind)
                    .ok()
                    .and_then(|bits| u8::try_from(bits.get()).ok())
                    .and_then(Ipv6Prefix::new)
                    .ok_or("write a number of bits from 32 to 64")
            })
            .unwrap_or_default(),
    }
}

/// Text that is a `T`, which says itself what to write.
fn written<T: FromStr<Err: Display>>(kind: ValueKind) -> Result<T, String> {
    let text = match kind {
        ValueKind::String(text) => text,
        _ => String::new(),
    };
    text.parse().map_err(|error: T::Err| error.to_string())
}

fn limits(table: &mut Table<'_>) -> LimitSettings {
    let default = LimitSettings::default();
    LimitSettings {
        max_keys: table
            .optional("max_keys", count)
            .unwrap_or(default.max_keys),
        instances: table.optional("instances", |kind| {
            count(kind)?
                .try_into()
                .map_err(|_| "write a number from 1, as in `3`")
        }),
        max_in_flight: table
            .optional("max_in_flight", count)
            .unwrap_or(default.max_in_flight),
        reserved_for_critical: table
            .optional("reserved_for_critical", parsed(units::percent, PERCENT))
            .unwrap_or(default.reserved_for_critical),
        fields: table
            .optional(
                "fields",
                parsed(
                    |text| match text {
                        "always" => Some(RateLimitFields::Always),
                        "never" => Some(RateLimitFields::Never),
                        "scarce" => Some(RateLimitFields::Scarce),
                        _ => None,
                    },
                    "write `always`, `never` or `scarce`",
                ),
            )
            .unwrap_or(default.fields),
    }
}

fn bans(table: &mut Table<'_>) -> BanSettings {
    BanSettings {
        max_entries: table
            .optional("max_entries", count)
            .unwrap_or(BanSettings::default().max_entries),
        rules: table
            .tables("rules", ban_rule)
            .into_iter()
            .flatten()
            .collect(),
    }
}

fn ban_rule(table: &mut Table<'_>) -> Option<BanRuleSettings> {
    let on = table.required("on", |kind| {
        let names = texts(kind).map_err(str::to_owned)?;
        let kinds = names.iter().map(|name| {
            let row = StrikeKind::ALL.iter().find(|(known, _)| known == name);
            row.map(|(_, kind)| *kind)
        });
        kinds.collect::<Option<Vec<_>>>().ok_or_else(|| {
            let names = StrikeKind::ALL.map(|(name, _)| name).join("`, `");
            format!("write one of `{names}`, or a list of them")
        })
    });
    let times = table.required("count", count);
    let within = table.required("within", parsed(units::duration, DURATION));
    let ban = table.required("ban", parsed(units::duration, DURATION));
    let growth = table.optional("growth", count);
    let max = table.optional("max", parsed(units::duration, DURATION));
    let default = BanRuleSettings::new(on?, times?, within?, ban?);
    Some(BanRuleSettings {
        growth: growth.unwrap_or(default.growth),
        max: max.unwrap_or(default.max),
        ..default
    })
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
        network_ban: table
            .optional("network_ban", parsed(units::duration, DURATION))
            .unwrap_or(default.network_ban),
        max_network_ban: table
            .optional("max_network_ban", parsed(units::duration, DURATION))
            .unwrap_or(default.max_network_ban),
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

fn danger(table: &mut Table<'_>) -> DangerSettings {
    DangerSettings {
        plaintext: table.optional("plaintext", boolean).unwrap_or_default(),
        weak_password_hashing: table
            .optional("weak_password_hashing", boolean)
            .unwrap_or_default(),
    }
}
