//! Scripts that the server keeps under the hash of their text.

use std::{sync::OnceLock, time::Duration};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use redis::{Cmd, FromRedisValue, ToRedisArgs, cmd};
use tokio::time::timeout;

use super::{Connection, Fault};

/// A script that is named by its hash, and sent whole only where the server does not have it: after
/// a restart, a failover or `SCRIPT FLUSH`. For one that runs with most requests; its text would be
/// most of what is sent.
pub(crate) struct Script {
    source: &'static str,
    hash: OnceLock<String>,
}

impl Script {
    pub(crate) const fn new(source: &'static str) -> Self {
        Self {
            source,
            hash: OnceLock::new(),
        }
    }

    /// Has the server keep the script.
    pub(super) async fn load(&self, connection: &Connection, limit: Duration) -> Result<(), Fault> {
        let mut command = cmd("SCRIPT");
        command.arg("LOAD").arg(self.source);
        connection.ask(&command, limit).await
    }

    /// What the script returns, within `limit`, which may be two round trips.
    pub(crate) async fn ask<T: FromRedisValue>(
        &self,
        connection: &Connection,
        keys: &[String],
        arguments: impl ToRedisArgs,
        limit: Duration,
    ) -> Result<T, Fault> {
        let answer = async {
            let named = command("EVALSHA", self.hash(), keys, &arguments);
            match connection.ask(&named, limit).await {
                Err(Fault::Redis(error)) if error.code() == Some("NOSCRIPT") => {
                    let whole = command("EVAL", self.source, keys, &arguments);
                    connection.ask(&whole, limit).await
                }
                answer => answer,
            }
        };
        timeout(limit, answer).await.map_err(|_| Fault::Silent)?
    }

    /// SHA-1, because Redis names scripts by it; nothing relies on its strength.
    fn hash(&self) -> &str {
        self.hash.get_or_init(|| {
            let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, self.source.as_bytes());
            hash.as_ref()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect()
        })
    }
}

fn command(name: &str, script: &str, keys: &[String], arguments: impl ToRedisArgs) -> Cmd {
    let mut command = cmd(name);
    command.arg(script).arg(keys.len()).arg(keys).arg(arguments);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_that_of_redis() {
        // `redis-cli script load "return 1"`
        let hash = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db";
        assert_eq!(Script::new("return 1").hash(), hash);
    }
}
