//! Warns, by name, of settings of the server with which revocations can be lost, and the rest of
//! what it holds: once for each memory that answers, so again after a restart.

use std::time::Duration;

use super::link::Link;

pub(super) async fn warn(link: &Link, is_replicated: bool, limit: Duration) {
    match link.facts(limit).await {
        Ok(facts) => {
            for warning in warnings(&facts, is_replicated) {
                tracing::warn!(
                    event = "sys_store_unsafe",
                    "the store of revocations: {warning}"
                );
            }
        }
        Err(fault) => tracing::warn!(
            event = "sys_store_unsafe",
            "the store of revocations does not tell how it is configured: {fault}"
        ),
    }
}

/// `facts` is as the server's `INFO`, with a line `config:NAME:VALUE` for each setting it tells.
fn warnings(facts: &str, is_replicated: bool) -> Vec<String> {
    let fact = |name: &str| {
        facts
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .map(str::trim)
    };
    let mut warnings = Vec::new();
    match fact("maxmemory_policy") {
        Some("noeviction") => {}
        Some(policy) => warnings.push(format!(
            "`maxmemory-policy` is `{policy}`, so revocations, sessions, bans and counts are dropped \
             where memory is short; set it to `noeviction`"
        )),
        None => warnings.push("it does not tell its `maxmemory-policy`".to_owned()),
    }
    // Hosted servers have a limit, and do not all tell it.
    if fact("maxmemory") == Some("0") {
        warnings.push(
            "`maxmemory` is 0, so whoever makes many records has the system kill the server; set it \
             to less than the machine has"
                .to_owned(),
        );
    }
    let has_log = fact("aof_enabled") == Some("1");
    let has_snapshots = fact("config:save").map(|save| !save.is_empty());
    match (has_log, has_snapshots) {
        (true, _) => {}
        (false, Some(true)) => warnings.push(
            "`appendonly` is `no`, so a restart forgets what was revoked since the last snapshot; \
             set it to `yes`"
                .to_owned(),
        ),
        (false, Some(false)) => warnings.push(
            "`appendonly` is `no` and `save` is empty, so a restart forgets every revocation; set \
             `appendonly` to `yes`"
                .to_owned(),
        ),
        (false, None) => warnings.push(
            "`appendonly` is `no`, so a restart may forget revocations; set it to `yes`".to_owned(),
        ),
    }
    let replicas = fact("connected_slaves").is_some_and(|count| count != "0");
    if (replicas || is_replicated) && fact("config:min-replicas-to-write") == Some("0") {
        warnings.push(
            "`min-replicas-to-write` is 0, so a primary that is cut off goes on answering while a \
             replica takes over; set it to 1 on every server"
                .to_owned(),
        );
    }
    warnings
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        revocation::redis::link::Names,
        store::{Store, Target, server::Redis},
    };

    const SAFE: &str = "# Memory\r\nmaxmemory:1048576\r\nmaxmemory_human:1.00M\r\n\
                        maxmemory_policy:noeviction\r\naof_enabled:1\r\n\
                        connected_slaves:1\r\nconfig:save:\r\nconfig:min-replicas-to-write:1\r\n";

    #[test]
    fn nothing_to_say_of_a_safe_server() {
        assert_eq!(warnings(SAFE, true), Vec::<String>::new());
    }

    #[test]
    fn each_unsafe_setting_is_named() {
        for (safe, unsafe_, name) in [
            ("noeviction", "allkeys-lru", "maxmemory-policy"),
            ("noeviction", "volatile-ttl", "maxmemory-policy"),
            ("maxmemory:1048576", "maxmemory:0", "`maxmemory`"),
            ("aof_enabled:1", "aof_enabled:0", "appendonly"),
            ("write:1", "write:0", "min-replicas-to-write"),
        ] {
            let warnings = warnings(&SAFE.replace(safe, unsafe_), true);
            assert_eq!(warnings.len(), 1, "{warnings:?}");
            assert!(warnings[0].contains(name), "{warnings:?}");
        }
    }

    #[test]
    fn who_does_not_tell_a_limit_is_not_blamed() {
        let facts = SAFE.replace("maxmemory:1048576\r\n", "");
        assert_eq!(warnings(&facts, true), Vec::<String>::new());
    }

    /// As a real server tells it.
    #[actix_web::test]
    async fn a_server_tells_each_setting() {
        let redis = Redis::with(&["--appendonly", "yes", "--maxmemory", "100mb"]);
        let store = Store::start(Target::parse(&redis.url()).unwrap(), "test").unwrap();
        let limit = Duration::from_secs(5);
        let connection = store.server().connect(limit).await.unwrap();
        let link = Link::new(Arc::new(connection), &Arc::new(Names::new(store.server())));
        let told = async || warnings(&link.facts(limit).await.unwrap(), false);
        assert_eq!(told().await, Vec::<String>::new());
        for (name, value) in [("maxmemory", "0"), ("maxmemory-policy", "allkeys-lfu")] {
            assert!(
                redis
                    .ask(&["CONFIG", "SET", name, value])
                    .starts_with("+OK")
            );
            let told = told().await;
            assert!(
                told.iter()
                    .any(|line| line.contains(&format!("`{name}` is"))),
                "{told:?}"
            );
        }
    }

    #[test]
    fn one_server_alone_needs_no_replicas() {
        let facts = SAFE
            .replace("write:1", "write:0")
            .replace("slaves:1", "slaves:0");
        assert_eq!(warnings(&facts, false), Vec::<String>::new());
    }
}
