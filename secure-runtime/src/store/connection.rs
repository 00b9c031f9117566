//! A connection, and what is asked over it.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use redis::{Cmd, FromRedisValue, aio::MultiplexedConnection, pipe};
use tokio::time::timeout;

use super::{Fault, Target};

/// After so many failures in a row a connection is no longer used.
const FAILURES: u32 = 3;

/// A connection, to the server at `place` while its memory was `run`.
#[derive(Debug)]
pub(crate) struct Connection {
    multiplexed: MultiplexedConnection,
    pub(super) place: String,
    run: String,
    /// In a row. Of this connection alone: what comes late over an old one says nothing of it.
    failures: AtomicU32,
}

impl Connection {
    /// Connects to the server that takes writes for the slot of `slot_of`.
    pub(crate) async fn open(
        target: &Target,
        slot_of: &str,
        limit: Duration,
    ) -> Result<Self, Fault> {
        let (mut multiplexed, place) = target.connect(slot_of).await?;
        let run = timeout(limit, memory(&mut multiplexed)).await;
        Ok(Self {
            run: run.map_err(|_| Fault::Silent)??,
            multiplexed,
            place,
            failures: AtomicU32::new(0),
        })
    }

    pub(super) fn count_success(&self) {
        self.failures.store(0, Ordering::Relaxed);
    }

    /// Whether these are too many in a row.
    pub(super) fn count_failure(&self) -> bool {
        self.failures.fetch_add(1, Ordering::Relaxed) + 1 >= FAILURES
    }

    /// Which memory answered when the connection was opened: another after a restart, and another
    /// after a replica took over or a primary became a replica. Also another an hour after the last
    /// replica has gone.
    pub(crate) fn run(&self) -> &str {
        &self.run
    }

    /// Fails if another memory answers by now. A server that becomes a replica, and a primary
    /// again, keeps its connections and may have lost what it had.
    pub(crate) async fn check_run(&self, limit: Duration) -> Result<(), Fault> {
        let mut connection = self.multiplexed.clone();
        let run = timeout(limit, memory(&mut connection)).await;
        match run.map_err(|_| Fault::Silent)?? == self.run {
            true => Ok(()),
            false => Err(Fault::Replaced),
        }
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

async fn memory(connection: &mut MultiplexedConnection) -> Result<String, Fault> {
    let mut questions = pipe();
    questions.cmd("INFO").arg("server");
    questions.cmd("INFO").arg("replication");
    let (server, replication): (String, String) = questions.query_async(connection).await?;
    if replication.lines().any(|line| line.trim() == "role:slave") {
        return Err(Fault::Replaced);
    }
    let fact = |facts: &str, name: &str| {
        let fact = facts.lines().find_map(|line| line.strip_prefix(name));
        fact.map(|fact| fact.trim().to_owned())
    };
    let process = fact(&server, "run_id:").ok_or(Fault::Foreign)?;
    let history = fact(&replication, "master_replid:").ok_or(Fault::Foreign)?;
    Ok(format!("{process} {history}"))
}
