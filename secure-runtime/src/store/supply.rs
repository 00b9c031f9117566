//! Keeps a good connection ready for requests.

use std::{sync::Arc, time::Duration};

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
            let connection = Arc::new(connection);
            server.connection.store(Some(Arc::clone(&connection)));
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
async fn watch(server: &Server, connection: &Arc<Connection>) {
    let mut probes = interval(PROBE);
    let mut look_around = interval(LOOK_AROUND);
    let mut failed = 0;
    loop {
        tokio::select! {
            () = server.connection_failed.notified() => if !server.is_current(connection) {
                return;
            },
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Target, server::Redis};

    /// A server that nothing supplies, and a connection to it.
    async fn unsupplied(redis: &Redis) -> (Server, Arc<Connection>) {
        let server = Server::new(Target::parse(&redis.url()).unwrap(), "test");
        let connection = open(&server).await;
        server.connection.store(Some(Arc::clone(&connection)));
        (server, connection)
    }

    async fn open(server: &Server) -> Arc<Connection> {
        Arc::new(server.connect(Duration::from_secs(5)).await.unwrap())
    }

    #[actix_web::test]
    async fn what_comes_late_over_an_old_connection_condemns_no_new_one() {
        let redis = Redis::start();
        let (server, old) = unsupplied(&redis).await;
        let fails =
            |connection, fault| assert!(server.judge::<()>(connection, Err(fault)).is_none());
        for _ in 0..8 {
            fails(&old, Fault::Silent);
        }
        assert!(server.connection().is_err());
        let new = open(&server).await;
        server.connection.store(Some(Arc::clone(&new)));
        for _ in 0..8 {
            fails(&old, Fault::Silent);
        }
        fails(&old, Fault::Replaced);
        assert!(server.is_current(&new));

        // Three in a row of its own condemn it.
        fails(&new, Fault::Silent);
        fails(&new, Fault::Silent);
        assert_eq!(server.judge(&new, Ok(1)), Some(1));
        fails(&new, Fault::Silent);
        fails(&new, Fault::Silent);
        assert!(server.is_current(&new));
        fails(&new, Fault::Silent);
        assert!(server.connection().is_err());
    }

    /// What somebody was told over a connection of his own.
    #[actix_web::test]
    async fn what_is_true_of_the_server_condemns_its_connection() {
        let redis = Redis::start();
        let (server, connection) = unsupplied(&redis).await;
        redis.ask(&["CONFIG", "SET", "maxmemory", "1"]);
        let set = cmd("SET").arg("{test}:a").arg("a").to_owned();
        let full = connection.ask::<()>(&set, OPENING).await.unwrap_err();
        server.hear(&full);
        server.hear(&Fault::Silent);
        assert!(server.is_current(&connection));
        server.hear(&Fault::Replaced);
        assert!(server.connection().is_err());
    }

    /// A word about a connection that is gone already ends nothing; one about this does.
    #[actix_web::test]
    async fn a_word_that_comes_late_ends_no_watch() {
        let redis = Redis::start();
        let (server, connection) = unsupplied(&redis).await;
        server.connection_failed.notify_one();
        let probes = || {
            let facts = redis.ask(&["INFO", "commandstats"]);
            let calls = facts.split_once("cmdstat_eval:calls=");
            calls.is_some_and(|(_, rest)| !rest.starts_with("1,"))
        };
        let ends = async {
            let mut is_watched = false;
            while !is_watched {
                sleep(Duration::from_millis(10)).await;
                is_watched = probes();
            }
            server.distrust(&connection);
        };
        let both = futures_util::future::join(watch(&server, &connection), ends);
        timeout(Duration::from_secs(15), both).await.unwrap();
    }
}
