//! A process that has few descriptors, or none left.

use std::{fs, time::Duration};

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{
    child::Shop,
    rig::{Connection, soon, tls_over},
};

const GET: &str = "GET /nowhere HTTP/1.1\r\nhost: a\r\n\r\n";

/// Connections that the shop has taken; those that wait with the system belong to no file yet.
fn taken(shop: &Shop) -> usize {
    const ESTABLISHED: &str = "01";
    let port = format!(":{:04X}", shop.address.port());
    let table = fs::read_to_string(format!("/proc/{}/net/tcp", shop.child.id())).unwrap();
    let is_taken = |line: &&str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        columns[1].ends_with(&port) && columns[3] == ESTABLISHED && columns[9] != "0"
    };
    table.lines().skip(1).filter(is_taken).count()
}

async fn has_taken(shop: &Shop, connections: usize) {
    soon("accepting", async {
        while taken(shop) < connections {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// How many descriptors it may have: the soft limit, and the hard one.
fn limits(shop: &Shop) -> Rlimit {
    let limits = fs::read_to_string(format!("/proc/{}/limits", shop.child.id())).unwrap();
    let mut columns = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .unwrap()
        .split_whitespace()
        .map(|column| column.parse().ok());
    Rlimit {
        current: columns.next().unwrap(),
        maximum: columns.next().unwrap(),
    }
}

fn limit(shop: &Shop, limits: Rlimit) {
    let process = Pid::from_child(&shop.child);
    prlimit(Some(process), Resource::Nofile, limits).unwrap();
}

#[actix_web::test]
async fn a_connection_that_cannot_be_watched_is_closed() {
    const CONNECTIONS: usize = 12;
    let shop = Shop::start_with(&[("SECURE__SERVER__HEADER_TIMEOUT", "20s")]);
    let mut sockets = Vec::new();
    for _ in 0..CONNECTIONS {
        sockets.push(TcpStream::connect(shop.address).await.unwrap());
    }
    has_taken(&shop, CONNECTIONS).await;
    let usual = limits(&shop);
    // Whatever is opened from here on.
    let none = Rlimit {
        current: Some(4),
        ..usual
    };
    limit(&shop, none);
    for socket in sockets {
        let stream = tls_over(socket, &shop.folder.certificate, "http/1.1").await;
        let mut connection = Connection::over(stream);
        // It may be closed while this is sent.
        let _ = connection.stream.write_all(GET.as_bytes()).await;
        let _ = connection.stream.write_all(b"GET /nowhere HT").await;
        let (rest, time) = connection.rest().await;
        assert_eq!(rest, "");
        assert!(time < Duration::from_secs(4), "{time:?}");
    }
    limit(&shop, usual);
    assert_eq!(shop.ask(GET).await.status, 404);
    // One line of many connections.
    let lines = shop.logged("connection_unwatched");
    assert_eq!(lines.len(), 1, "{lines:?}");
}

/// The setting in the environment, and two workers as in the shop's file.
fn connections(number: &str) -> [(&'static str, &str); 1] {
    [("SECURE__SERVER__MAX_CONNECTIONS", number)]
}

#[actix_web::test]
async fn the_soft_limit_is_raised_as_far_as_connections_need_it() {
    let shop = Shop::start_after("ulimit -Sn 100", &connections("50"));
    let limits = limits(&shop);
    assert_eq!(limits.current, Some(1200));
    assert!(limits.maximum >= limits.current, "{limits:?}");
    assert_eq!(shop.logged("descriptors_few"), [""; 0]);
    assert_eq!(shop.ask(GET).await.status, 404);

    // One that is high enough stays.
    let shop = Shop::start_after("ulimit -Sn 1300", &connections("50"));
    assert_eq!(self::limits(&shop).current, Some(1300));
}

#[actix_web::test]
async fn no_more_connections_are_taken_than_there_are_descriptors_for() {
    let balanced = [
        ("SECURE__SERVER__PROXY_PROTOCOL", "true"),
        ("SECURE__CLIENT_ADDRESS__TRUSTED_PROXIES__0", "127.0.0.1"),
    ];
    for more in [&[][..], &balanced] {
        let variables = [&connections("1000"), more].concat();
        let shop = Shop::start_after("ulimit -n 80", &variables);
        assert_eq!(limits(&shop).current, Some(80));
        let told = shop.logged("descriptors_few");
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].contains("connections=15 limit=80 needed=5000"),
            "{told:?}"
        );

        // The system keeps the others waiting.
        let mut held = Vec::new();
        for _ in 0..60 {
            held.push(TcpStream::connect(shop.address).await.unwrap());
        }
        has_taken(&shop, 30).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(taken(&shop), 30);
        drop(held);
        if more.is_empty() {
            assert_eq!(shop.ask(GET).await.status, 404);
        }
    }
}
