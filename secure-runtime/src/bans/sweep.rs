//! Forgets bans that have ended, off the workers.

use std::{
    io,
    sync::{
        Weak,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread,
    time::Duration,
};

use super::table::{Forget, Table};
use crate::clock::Clock;

/// Between two sweeps: what has ended refuses nobody, it only takes room.
const INTERVAL: Duration = Duration::from_secs(10);

/// A thread that sweeps now and then, until this is dropped.
#[derive(Debug)]
pub(super) struct Sweeper(#[expect(dead_code, reason = "it is there to be dropped")] Sender<()>);

impl Sweeper {
    pub(super) fn start(table: Weak<Table>, clock: Clock) -> io::Result<Self> {
        let (alive, ended) = mpsc::channel();
        thread::Builder::new()
            .name("ban-sweep".into())
            .spawn(move || {
                while ended.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                    let Some(table) = table.upgrade() else {
                        return;
                    };
                    let now = clock.monotonic_nanos();
                    table.writer().sweep(now, Forget::Forgotten);
                }
            })?;
        Ok(Self(alive))
    }
}
