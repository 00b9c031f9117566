//! A connection, and what is asked over it.

use std::time::Duration;

use redis::{Cmd, FromRedisValue, aio::MultiplexedConnection, cmd};
use tokio::time::timeout;

use super::{Fault, Target};

/// A connection, to the server at `place` while its memory was `run`; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    multiplexed: MultiplexedConnection,
    pub(super) place: String,
    run: String,
}

impl Connection {
    /// Connects to the server that takes writes for the slot of `slot_of`.
    pub(crate) async fn open(
        target: &Target,
        slot_of: &str,
        limit: Duration,
    ) -> Result<Self, Fault> {
        let (mut multiplexed, place) = target.connect(slot_of).await?;
        let run = timeout(limit, identity(&mut multiplexed)).await;
        Ok(Self {
            run: run.map_err(|_| Fault::Silent)??,
            multiplexed,
            place,
        })
    }

    /// Which memory answers: another after a restart, and another after a replica took over or a
    /// primary became a replica.
    pub(crate) fn run(&self) -> &str {
        &self.run
    }

    /// The answer to a command, within `limit`.
    pub(crate) async fn ask<T: FromRedisValue>(
        &self,
        command: &Cmd,
        limit: Duration,
    ) -> Result<T, Fault> {
        let mut connection = self.multiplexed.clone();
        let answer = timeout(limit, command.query_async(&mut connection)).await;
        Ok(answer.map_err(|_| Fault::Silent)??)
    }
}

async fn identity(connection: &mut MultiplexedConnection) -> Result<String, Fault> {
    let mut identity = String::new();
    for (section, wanted) in [("server", "run_id:"), ("replication", "master_replid:")] {
        let facts: String = cmd("INFO").arg(section).query_async(connection).await?;
        if facts.lines().any(|line| line.trim() == "role:slave") {
            return Err(Fault::Foreign);
        }
        let fact = facts.lines().find_map(|line| line.strip_prefix(wanted));
        identity += fact.ok_or(Fault::Foreign)?.trim();
        identity.push(' ');
    }
    Ok(identity)
}
