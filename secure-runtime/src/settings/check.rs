//! The rules over settings that were read: each is one function, and adds what it finds.

use std::{collections::HashSet, time::Duration};

use super::{Settings, TokenIssuerSettings, Transport, listen, login, passwords};
use crate::{
    bans::LONGEST,
    error::{Mistake, Mistakes},
};

/// A clock that is further off than this is broken.
const MAX_LEEWAY: Duration = Duration::from_secs(5 * 60);

/// What must be remembered for longer is no access token.
const MAX_LIFETIME: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Above this, the routes that are not marked are as good as switched off.
const MAX_RESERVED_PERCENT: u8 = 90;

const SECOND: Duration = Duration::from_secs(1);

/// Strikes that are counted for longer are no burst of anything.
const MAX_WITHIN: Duration = Duration::from_secs(24 * 60 * 60);

/// What a client may do more often than this is no offence.
const MAX_STRIKES: usize = 10_000;

pub(super) fn check(settings: &Settings, mistakes: &mut Mistakes) {
    challenges(settings, mistakes);
    // Zero means "no limit" to actix.
    header_timeout(settings, mistakes);
    // One place ends TLS, and it is known which.
    transport(settings, mistakes);
    listen::check(settings, mistakes);
    issuers(settings, mistakes);
    keys(settings, mistakes);
    leeway(settings, mistakes);
    // The routes that are not critical want places too.
    reserved_for_critical(settings, mistakes);
    // No token would be good, or its revocation would be remembered for ever.
    max_lifetime(settings, mistakes);
    // A rule that never bans, or bans for ever, is a mistake.
    ban_rules(settings, mistakes);
    login::check(settings, mistakes);
    redis(settings, mistakes);
    // Processes that share nothing have no part of anything.
    instances(settings, mistakes);
    revocation_file(settings, mistakes);
    token_issuer(settings, mistakes);
    clients(settings, mistakes);
    passwords::check(settings, mistakes);
}

/// What stands between quotes in a header field.
pub(super) fn challenges(settings: &Settings, mistakes: &mut Mistakes) {
    realm(settings, mistakes);
    resource_metadata(settings, mistakes);
}

fn realm(settings: &Settings, mistakes: &mut Mistakes) {
    if settings.realm.is_empty() || !quotable(&settings.realm) {
        mistakes.add(Mistake::new(
            "realm",
            "write printable ASCII without `\"` and `\\`, as in `shop`",
        ));
    }
}

fn resource_metadata(settings: &Settings, mistakes: &mut Mistakes) {
    if let Some(url) = &settings.resource_metadata
        && !(url.starts_with("https://") && quotable(url) && !url.contains(' '))
    {
        mistakes.add(Mistake::new(
            "resource_metadata",
            "write a URL that begins with `https://`",
        ));
    }
}

/// Whether `text` can stand in a quoted string as it is.
fn quotable(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\')
}

fn header_timeout(settings: &Settings, mistakes: &mut Mistakes) {
    if settings.server.header_timeout.is_zero() {
        mistakes.add(Mistake::new(
            "server.header_timeout",
            "write at least `1s`; without an end, slow clients hold every connection",
        ));
    }
}

fn transport(settings: &Settings, mistakes: &mut Mistakes) {
    let plaintext = settings.danger.plaintext;
    match settings.server.transport {
        Transport::BehindProxy if plaintext => mistakes.add(Mistake::new(
            "danger.plaintext",
            "`server.transport` says that a proxy ends TLS; remove one of the two",
        )),
        Transport::BehindProxy => {
            let proxies = &settings.client_address;
            if proxies.trusted_proxies.is_empty() && proxies.hops.is_none() {
                mistakes.add(Mistake::new(
                    "client_address.trusted_proxies",
                    "missing; write the network of the proxy that ends TLS, as in \
                     `[\"10.0.0.0/8\"]`",
                ));
            }
        }
        Transport::Https if plaintext && settings.tls.is_some() => mistakes.add(Mistake::new(
            "danger.plaintext",
            "`[tls]` is given as well; remove one of the two",
        )),
        Transport::Https if plaintext => {}
        Transport::Https => {
            if settings.tls.is_none() {
                mistakes.add(Mistake::new(
                    "tls",
                    "missing; write the paths of PEM files, `certificate = \"chain.pem\"` and \
                     `private_key = \"key.pem\"`, or `development = true` for a self-signed \
                     certificate",
                ));
            }
        }
    }
}

fn issuers(settings: &Settings, mistakes: &mut Mistakes) {
    let mut seen = HashSet::new();
    for (index, issuer) in settings.issuers.iter().enumerate() {
        let mut mistake = |key: &str, problem: &str| {
            mistakes.add(Mistake::new(format!("issuers[{index}].{key}"), problem));
        };
        if issuer.issuer.is_empty() {
            mistake("issuer", "the value is empty");
        }
        if !seen.insert(&issuer.issuer) {
            mistake(
                "issuer",
                "this issuer is listed already; put its keys there",
            );
        }
        if issuer.audience.is_empty() {
            mistake("audience", "the value is empty");
        }
        if issuer.client_id.is_empty() {
            mistake("client_id", "the value is empty");
        }
        if issuer.token_id.is_empty() {
            mistake("token_id", "the value is empty");
        }
        for (key, claims) in [("roles", &issuer.roles), ("scopes", &issuer.scopes)] {
            if claims
                .iter()
                .any(|claim| claim.split('.').any(str::is_empty))
            {
                mistake(key, "write names of claims, as in `realm_access.roles`");
            }
        }
        if issuer.keys.is_empty() {
            mistake("keys", "missing; add a table `[[issuers.keys]]`");
        }
    }
}

fn keys(settings: &Settings, mistakes: &mut Mistakes) {
    for (index, issuer) in settings.issuers.iter().enumerate() {
        let mut seen = HashSet::new();
        let mixed = issuer.keys.iter().any(|key| key.algorithm.is_symmetric())
            && issuer.keys.iter().any(|key| !key.algorithm.is_symmetric());
        if mixed {
            mistakes.add(Mistake::new(
                format!("issuers[{index}].keys"),
                "an issuer has either public keys or secrets, not both",
            ));
        }
        for (number, key) in issuer.keys.iter().enumerate() {
            let mut mistake = |name: &str, problem: &str| {
                let at = format!("issuers[{index}].keys[{number}].{name}");
                mistakes.add(Mistake::new(at, problem));
            };
            if key.id.is_none() && issuer.keys.len() > 1 {
                mistake(
                    "id",
                    "missing; an issuer with several keys needs the `kid` of each",
                );
            }
            if key.id.as_ref().is_some_and(|id| !seen.insert(id)) {
                mistake("id", "another key of this issuer has the same id");
            }
            match (key.algorithm.is_symmetric(), key.source.is_secret()) {
                (true, false) => mistake(
                    "algorithm",
                    "the algorithms `HS..` need a secret, this key is public",
                ),
                (false, true) => mistake(
                    "algorithm",
                    "this algorithm needs a public key, this one is a secret",
                ),
                (true, true) | (false, false) => {}
            }
        }
    }
}

fn leeway(settings: &Settings, mistakes: &mut Mistakes) {
    if settings.tokens.leeway > MAX_LEEWAY {
        mistakes.add(Mistake::new("tokens.leeway", "write at most `5min`"));
    }
}

fn reserved_for_critical(settings: &Settings, mistakes: &mut Mistakes) {
    if settings.limits.reserved_for_critical > MAX_RESERVED_PERCENT {
        mistakes.add(Mistake::new(
            "limits.reserved_for_critical",
            "write at most `90%`",
        ));
    }
}

fn ban_rules(settings: &Settings, mistakes: &mut Mistakes) {
    for (index, rule) in settings.bans.rules.iter().enumerate() {
        let mut mistake = |key: &str, problem: &str| {
            mistakes.add(Mistake::new(format!("bans.rules[{index}].{key}"), problem));
        };
        if rule.on.is_empty() {
            mistake(
                "on",
                "the list is empty; write what is counted, as in `authentication`",
            );
        }
        if rule.count.get() > MAX_STRIKES {
            mistake("count", "write a number up to 10000");
        }
        if !(SECOND..=MAX_WITHIN).contains(&rule.within) {
            mistake("within", "write `1s` to `1day`, as in `1min`");
        }
        if !(SECOND..=LONGEST).contains(&rule.ban) {
            mistake("ban", "write `1s` to `366day`, as in `1h`");
        }
        if rule.max < rule.ban {
            mistake("max", "write at least the time of `ban`");
        }
        if rule.max > LONGEST {
            mistake("max", "write at most `366day`");
        }
    }
}

fn redis(settings: &Settings, mistakes: &mut Mistakes) {
    let Some(redis) = &settings.redis else {
        return;
    };
    let mut mistake = |key: &str, problem: &str| {
        mistakes.add(Mistake::new(format!("redis.{key}"), problem));
    };
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    if !(1..=64).contains(&redis.prefix.len()) || !redis.prefix.bytes().all(letters) {
        mistake(
            "prefix",
            "write up to 64 letters, digits, `-`, `_`, `.` or `:`, as in `shop`",
        );
    }
    #[cfg(feature = "redis")]
    if let Err(problem) = crate::store::Target::parse(redis.url.expose()) {
        mistake("url", problem);
    }
    #[cfg(not(feature = "redis"))]
    mistake(
        "url",
        "this program was compiled without it; add the feature `redis` of `secure-runtime`",
    );
}

fn instances(settings: &Settings, mistakes: &mut Mistakes) {
    if settings.limits.instances.is_some() && settings.redis.is_none() {
        mistakes.add(Mistake::new(
            "limits.instances",
            "`[redis]` is missing, without which each process counts for itself; remove this, or \
             add it",
        ));
    }
}

/// What another process has lifted would come back from the file.
fn revocation_file(settings: &Settings, mistakes: &mut Mistakes) {
    if settings.redis.is_some() && settings.revocation.file.is_some() {
        mistakes.add(Mistake::new(
            "revocation.file",
            "`[redis]` is given as well, and keeps revocations too; remove one of the two",
        ));
    }
}

fn max_lifetime(settings: &Settings, mistakes: &mut Mistakes) {
    let lifetime = settings.tokens.max_lifetime;
    if lifetime.is_zero() || lifetime > MAX_LIFETIME {
        mistakes.add(Mistake::new(
            "tokens.max_lifetime",
            "write `1s` to `366day`, as in `24h`",
        ));
    }
}

/// Most sessions of one subject: they are looked through when another is opened.
const MAX_SESSIONS_PER_SUBJECT: usize = 1000;

/// Settings made by hand are held to this as well.
pub(super) fn token_issuer(settings: &Settings, mistakes: &mut Mistakes) {
    let Some(issuer) = &settings.token_issuer else {
        return;
    };
    let mut mistake = |key: &str, problem: &str| {
        mistakes.add(Mistake::new(format!("token_issuer.{key}"), problem));
    };
    let seconds = Duration::from_secs;
    if !(seconds(5 * 60)..=seconds(15 * 60)).contains(&issuer.access_lifetime) {
        mistake("access_lifetime", "write `5min` to `15min`");
    } else if issuer.access_lifetime > settings.tokens.max_lifetime {
        mistake(
            "access_lifetime",
            "longer than `tokens.max_lifetime`, so that no token would be taken",
        );
    }
    if issuer.absolute_lifetime < issuer.access_lifetime || issuer.absolute_lifetime > MAX_LIFETIME
    {
        mistake(
            "absolute_lifetime",
            "write at least `access_lifetime` and at most `366day`, as in `30day`",
        );
    } else if issuer.idle_lifetime < issuer.access_lifetime
        || issuer.idle_lifetime > issuer.absolute_lifetime
    {
        mistake(
            "idle_lifetime",
            "write at least `access_lifetime` and at most `absolute_lifetime`, as in `14day`",
        );
    }
    if issuer.retry_grace > seconds(60) {
        mistake("retry_grace", "write at most `60s`");
    }
    if issuer.max_sessions_per_subject.get() > MAX_SESSIONS_PER_SUBJECT {
        mistake("max_sessions_per_subject", "write at most 1000");
    }
    if settings
        .issuers
        .iter()
        .any(|other| other.issuer == issuer.issuer)
    {
        mistake(
            "issuer",
            "`[[issuers]]` lists it as well; its keys are known here, remove it there",
        );
    }
    if settings.redis.is_some() && issuer.refresh_secret.is_none() {
        mistake(
            "refresh_secret_file",
            "missing; processes that share `[redis]` need one secret, which `openssl rand -base64 32` \
             makes",
        );
    }
    signing_keys(issuer, &mut mistake);
}

fn signing_keys(issuer: &TokenIssuerSettings, mistake: &mut impl FnMut(&str, &str)) {
    if issuer.keys.is_empty() {
        mistake("keys", "missing; add a table `[[token_issuer.keys]]`");
    } else if issuer.current_key().is_none() {
        let problem = match &issuer.signing_key {
            Some(_) => "no key has this id",
            None => "missing; write the id of the key that signs",
        };
        mistake("signing_key", problem);
    }
    let mut seen = HashSet::new();
    for (number, key) in issuer.keys.iter().enumerate() {
        if !seen.insert(&key.id) {
            mistake(&format!("keys[{number}].id"), "another key has the same id");
        }
    }
}

/// Settings made by hand are held to this as well.
pub(super) fn clients(settings: &Settings, mistakes: &mut Mistakes) {
    let mut seen = HashSet::new();
    for (index, client) in settings.clients.iter().enumerate() {
        let mut mistake = |key: &str, problem: &str| {
            mistakes.add(Mistake::new(format!("clients[{index}].{key}"), problem));
        };
        if !seen.insert(&client.id) {
            mistake("id", "another client has the same id");
        }
        let is_hash =
            |text: &String| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !(1..=2).contains(&client.secret_sha256.len())
            || !client.secret_sha256.iter().all(is_hash)
        {
            mistake(
                "secret_sha256",
                "write the SHA-256 of the secret in 64 hexadecimal digits; one, or two while it is replaced",
            );
        }
    }
    if !settings.clients.is_empty() && settings.token_issuer.is_none() {
        mistakes.add(Mistake::new(
            "clients",
            "`[token_issuer]` is missing; clients ask about the tokens that it issues",
        ));
    }
}
