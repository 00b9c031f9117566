//! Keeps a good connection ready for requests.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use redis::cmd;
use tokio::time::{interval, sleep, timeout};

use super::{Connection, Fault, Server};

/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(150);
/// Between two probes.
const PROBE: Duration = Duration::from_millis(250);
/// How long the answer to a probe may take: as long as a question.
const ANSWER: Duration = Duration::from_millis(50);
/// Between two questions to the sentinels.
const LOOK_AROUND: Duration = Duration::from_secs(1);
/// How long the first commands of a connection may take.
const OPENING: Duration = Duration::from_millis(500);

/// Never ends.
pub(super) async fn run(server: &Server) {
    loop {
        if let Ok(connection) = connect(server).await {
            server.failures.store(0, Ordering::Relaxed);
            server.connection.store(Some(Arc::new(connection.clone())));
            watch(server, &connection).await;
            server.connection.store(None);
        }
        sleep(PAUSE).await;
    }
}

/// A connection that answers as fast as requests need it.
async fn connect(server: &Server) -> Result<Connection, Fault> {
    let connection = server.connect(OPENING).await?;
    probe(&connection).await?;
    let scripts = server.scripts().clone();
    for script in scripts {
        // Who may not load it sends it whole once, which loads it too.
        let _ = script.load(&connection, OPENING).await;
    }
    Ok(connection)
}

/// Whether what requests do can be done: a replica, or a server that still loads, says `PONG`.
async fn probe(connection: &Connection) -> Result<(), Fault> {
    let mut script = cmd("EVAL");
    script.arg("return 1").arg(0);
    connection.ask(&script, ANSWER).await
}

/// Whether it can still be done, and with the same memory.
async fn probe_again(connection: &Connection) -> Result<(), Fault> {
    probe(connection).await?;
    connection.check_run(ANSWER).await
}

/// Returns when the connection is no longer good.
async fn watch(server: &Server, connection: &Connection) {
    let mut probes = interval(PROBE);
    let mut look_around = interval(LOOK_AROUND);
    let mut failed = 0;
    loop {
        tokio::select! {
            () = server.connection_failed.notified() => return,
            _ = probes.tick() => match probe_again(connection).await {
                Ok(()) => failed = 0,
                // One slow answer is no fault.
                Err(fault) if fault.breaks_connection() || failed > 0 => return,
                Err(_) => failed += 1,
            },
            _ = look_around.tick(), if server.target.has_sentinels() => {
                let current = timeout(PROBE, server.target.current(&server.tag)).await;
                if let Ok(Ok(place)) = current && place != connection.place {
                    server.moved.notify_one();
                    return;
                }
            }
        }
    }
}
