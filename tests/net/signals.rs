//! The examples as processes: they stop when they are told to, and do not start half-made.

use std::{
    io::{Read, Write},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use tokio::net::TcpStream;

use crate::{
    child::{Folder, Shop, connect_tls_unverified, ended, listens_at},
    rig::{Connection, PATIENCE, soon},
};

#[actix_web::test]
async fn sigterm_lets_a_request_in_progress_end() {
    let mut shop = Shop::start();
    let mut connection = shop.connect().await;
    connection
        .send(
            "POST /payments/settled HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\
             expect: 100-continue\r\n\r\n",
        )
        .await;
    // It is in progress.
    let answer = soon("100", connection.read_answer("POST")).await.unwrap();
    assert_eq!(answer.status, 100, "{answer:?}");
    connection.send("12345").await;
    shop.terminate();
    soon("that no new connection is taken", async {
        while TcpStream::connect(shop.address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    assert_eq!(
        shop.child.try_wait().unwrap(),
        None,
        "it did not wait for the request"
    );

    let start = Instant::now();
    connection.send("67890").await;
    let answer = connection.answer().await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let status = ended(&mut shop.child, PATIENCE);
    assert_eq!(status.code(), Some(0));
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
}

#[actix_web::test]
async fn sigterm_ends_an_idle_shop_at_once() {
    let mut shop = Shop::start();
    // A connection that nobody uses holds nothing up.
    let mut idle = shop.connect().await;
    idle.send("GET /health HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(idle.answer().await.status, 200);
    let start = Instant::now();
    shop.terminate();
    assert_eq!(ended(&mut shop.child, PATIENCE).code(), Some(0));
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn without_an_issuer_it_does_not_start_and_names_every_route() {
    let (status, text) = Folder::without_issuer().fail(&[]);
    assert!(!status.success());
    for route in [
        "POST /items",
        "GET /orders",
        "POST /orders",
        "GET /orders/{id}",
        "POST /orders/{id}/receipt",
        "GET /profile",
        "GET /admin/orders/{id}",
        "DELETE /admin/orders/{id}",
        "PUT /admin/notice",
    ] {
        let line = text
            .lines()
            .find(|line| line.contains(&format!("{route}`")));
        let line = line.unwrap_or_else(|| panic!("{route} is not named in {text}"));
        assert!(line.contains("examples/src/shop/mod.rs:"), "{line}");
    }
    assert!(!text.contains("`GET /health`"), "{text}");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (status, text) = Folder::new().fail(&[("SECURE__SERVER__ADDRESS", &address)]);
    assert!(!status.success());
    assert!(
        text.contains(&format!("cannot listen on {address}")),
        "{text}"
    );
}

#[test]
fn the_environment_overrides_the_file_and_mistakes_are_named() {
    let (status, text) = Folder::new().fail(&[("SECURE__SERVER__WORKERS", "none")]);
    assert!(!status.success());
    assert!(text.contains("SECURE__SERVER__WORKERS"), "{text}");
    assert!(text.contains("server.workers"), "{text}");
}

fn tour() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quickstart-under-test"));
    command
        .arg("--tour")
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command
}

#[test]
fn the_tour_succeeds() {
    let mut child = tour().stdout(Stdio::piped()).spawn().unwrap();
    let status = ended(&mut child, PATIENCE);
    let mut text = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(status.code(), Some(0), "{text}");
    assert!(text.ends_with("\n0 differences\n"), "{text}");
}

/// Somebody else uses the tour's quota up, so that an answer really differs. For that the tour has
/// to wait: the pipe that it prints to is full after its heading, and nobody reads.
#[cfg(target_os = "linux")]
#[actix_web::test]
async fn the_tour_fails_where_an_answer_differs() {
    let (mut reader, mut writer) = std::io::pipe().unwrap();
    // With room for the heading, which is written before the server can answer anybody.
    let capacity = rustix::pipe::fcntl_getpipe_size(&writer).unwrap();
    writer.write_all(&vec![b'.'; capacity - 100]).unwrap();
    let mut child = tour().stdout(writer).spawn().unwrap();
    let address = listens_at(&child);
    for _ in 0..12 {
        let mut connection = Connection::over(connect_tls_unverified(address).await);
        connection
            .send("GET /items HTTP/1.1\r\nhost: a\r\n\r\n")
            .await;
        connection.answer().await;
    }
    let text = std::thread::spawn(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    });
    let status = ended(&mut child, PATIENCE);
    let text = text.join().unwrap();
    assert_eq!(status.code(), Some(1), "{text}");
    assert!(text.contains("\n! a value out of range"), "{text}");
}
