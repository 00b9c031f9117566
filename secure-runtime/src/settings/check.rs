//! The rules over settings that were read: each is one function, and adds what it finds.

use std::{collections::HashSet, time::Duration};

use super::{Settings, Transport, login};
use crate::error::{Mistake, Mistakes};

/// A clock that is further off than this is broken.
const MAX_LEEWAY: Duration = Duration::from_secs(5 * 60);

/// What must be remembered for longer is no access token.
const MAX_LIFETIME: Duration = Duration::from_secs(366 * 24 * 60 * 60);

pub(super) fn check(settings: &Settings, mistakes: &mut Mistakes) {
    challenges(settings, mistakes);
    // Zero means "no limit" to actix.
    header_timeout(settings, mistakes);
    // One place ends TLS, and it is known which.
    transport(settings, mistakes);
    // To trust every address is to let clients choose theirs.
    trusted_proxies(settings, mistakes);
    issuers(settings, mistakes);
    keys(settings, mistakes);
    leeway(settings, mistakes);
    // No token would be good, or its revocation would be remembered for ever.
    max_lifetime(settings, mistakes);
    login::check(settings, mistakes);
    redis(settings, mistakes);
    revocation_file(settings, mistakes);
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
            if settings.client_address.trusted_proxies.is_empty() {
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

fn trusted_proxies(settings: &Settings, mistakes: &mut Mistakes) {
    let networks = &settings.client_address.trusted_proxies;
    if networks.iter().any(|network| network.prefix_len() == 0) {
        mistakes.add(Mistake::new(
            "client_address.trusted_proxies",
            "a network of prefix length 0 trusts every client; write the proxies' own networks",
        ));
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
