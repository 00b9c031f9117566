//! Where the Redis is that processes share.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

/// `[redis]`: the Redis that the processes of one service share. Needs the feature `redis`.
///
/// A server that restarts, is emptied or is replaced by a replica may have lost revocations; for
/// two seconds it is then treated as silent, and every process tells it what it knows. A process
/// that starts while no other one is there cannot know what an emptied server has lost: set
/// `appendonly yes` and `maxmemory-policy noeviction`, and with replicas `min-replicas-to-write 1`.
/// The log warns where they are not set, or there is no `maxmemory`, at start and whenever the server
/// was started again (`sys_store_unsafe`).
///
/// Quotas alone would need none of that: a count that is lost is one more burst for its subject.
/// Names of counts `per ip` hold the network for as long as the quota takes to be whole again.
///
/// # Memory
///
/// Anybody can make records, so give the server a `maxmemory`, and an alert at three quarters of it.
/// With Redis 7 an account at which a login has failed takes about 500 bytes for a day, or for 30
/// days after more than `login.free_failures`. One network can make `login.network_accounts` of them
/// an hour, so a thousand networks that guess all day fill 600 MB. A quota takes about 200 bytes for
/// each network or user until it is whole again.
///
/// From nine tenths of `maxmemory` on a login is refused with 503, or counted in the process where
/// its route says `outage = "local"`; nothing else is refused. With all of it in use nothing can be
/// counted: a request with a quota that processes share is refused with 503; with `outage = "local"`
/// each process enforces its part. Quotas that are `local` go on, and so does what only reads. A
/// revocation is not acknowledged; it holds in its process, and the others are told when there is
/// room.
///
/// # Rights
///
/// A user of the server (ACL) needs the keys `~{prefix}:*`, braces included, and the commands
/// `cluster|keyslot`, `cluster|slots`, `del`, `eval`, `evalsha`, `exists`, `expire`, `get`, `hdel`,
/// `hexists`, `hget`, `hincrby`, `hlen`, `hmget`, `hscan`, `hset`, `info`, `lindex`, `llen`, `lrem`,
/// `ltrim`, `mget`, `pexpire`, `ping`, `rpush`, `script|load`, `select`, `set`, `time`, `xadd`,
/// `xread`, `zadd`, `zcard`, `zrange`, `zrangebyscore`, `zrem`, `zremrangebyscore`, `zrevrange` and
/// `zscore`. Those of `cluster` are for a cluster alone, `select` for a database other than 0. A
/// sentinel that asks for a user needs `ping` and `sentinel|master` of it. The log names a command
/// that a user may not run (`sys_store_refuses`); where it cannot, `ACL LOG` of the server does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedisSettings {
    /// `redis://user:password@host:6379/0`, `rediss://..` for TLS,
    /// `redis+sentinel://host:26379,host:26379/NAME` or `redis+cluster://host:7000,host:7001`.
    pub url: RedisUrl,
    /// What the names of its keys begin with. Default: `secure`.
    pub prefix: String,
    /// PEM file of the authority that its certificate is from. Default: those of the system.
    pub ca_file: Option<PathBuf>,
}

impl RedisSettings {
    /// The defaults beside a URL.
    pub fn new(url: impl Into<RedisUrl>) -> Self {
        Self {
            url: url.into(),
            prefix: "secure".to_owned(),
            ca_file: None,
        }
    }
}

/// A URL that may hold a password, and shows nothing of itself.
#[derive(Clone)]
pub struct RedisUrl(SecretString);

impl RedisUrl {
    #[cfg(feature = "redis")]
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<&str> for RedisUrl {
    fn from(url: &str) -> Self {
        Self(url.into())
    }
}

impl PartialEq for RedisUrl {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl Eq for RedisUrl {}

impl std::fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RedisUrl(..)")
    }
}
