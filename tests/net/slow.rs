//! Clients that take their time: each costs a bounded time, and none holds up the others.

use std::time::{Duration, Instant};

use actix_web::{Responder, get, post, web};
use futures_util::future::join_all;
use secure_runtime::{Routes, secured};

use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::rig::{Connection, Service, settings, soon, tls_over};

#[secured(public, rate = "10000/s", body_timeout = "1s")]
#[post("/notes")]
async fn note(body: web::Bytes) -> impl Responder {
    body.len().to_string()
}

#[secured(public, rate = "10000/s", body_timeout = "1s", max_body = "1MB")]
#[post("/streams")]
async fn stream(body: web::Payload) -> impl Responder {
    match body.to_bytes().await {
        Ok(body) => body.len().to_string(),
        Err(_) => "cut".to_owned(),
    }
}

#[secured(public, rate = "10000/s")]
#[get("/large")]
async fn large() -> impl Responder {
    "x".repeat(64 << 20)
}

#[secured(public, rate = "10000/s")]
#[get("/fine")]
async fn fine() -> impl Responder {
    "fine"
}

fn routes(routes: &mut Routes) {
    routes
        .service(note)
        .service(stream)
        .service(large)
        .service(fine);
}

const FINE: &str = "GET /fine HTTP/1.1\r\nhost: a\r\n\r\n";

/// Sends a byte every 50 ms until the connection breaks.
async fn trickle(connection: Connection, byte: &'static str) -> (String, Duration) {
    let (read, write) = tokio::io::split(connection.stream);
    let mut reader = Connection::over(tokio::io::join(read, tokio::io::sink()));
    let mut writer = tokio::io::join(tokio::io::empty(), write);
    let sending = tokio::task::spawn_local(async move {
        for _ in 0..400 {
            if writer.write_all(byte.as_bytes()).await.is_err() || writer.flush().await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let outcome = reader.rest().await;
    sending.abort();
    outcome
}

#[actix_web::test]
async fn a_slow_head_is_408_after_the_header_timeout() {
    let mut settings = settings();
    settings.server.header_timeout = Duration::from_secs(1);
    let service = Service::start_with(settings, routes).await;
    let mut connection = service.connect().await;
    connection
        .send("GET /fine HTTP/1.1\r\nhost: a\r\na: ")
        .await;
    let (answer, time) = trickle(connection, "b").await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(
        time > Duration::from_millis(700) && time < Duration::from_secs(4),
        "{time:?}"
    );
    service.stop().await;
}

#[actix_web::test]
async fn a_slow_body_is_408_after_the_body_timeout() {
    let service = &Service::start(routes).await;
    let uploads = [
        ("/notes", "content-length: 60000", "b"),
        ("/notes", "transfer-encoding: chunked", "1\r\nb\r\n"),
        ("/streams", "content-length: 60000", "b"),
        ("/streams", "transfer-encoding: chunked", "1\r\nb\r\n"),
    ]
    .map(|(path, framing, byte)| async move {
        let mut connection = service.connect().await;
        let head = format!("POST {path} HTTP/1.1\r\nhost: a\r\n{framing}\r\n\r\n");
        connection.send(head).await;
        let (answer, time) = trickle(connection, byte).await;
        assert!(
            answer.starts_with("HTTP/1.1 408 "),
            "{path} {framing}: {answer}"
        );
        assert!(answer.ends_with('}'), "{path} {framing}: {answer}");
        // The deadline, the drain, and the second that the client has to read the answer.
        assert!(
            time > Duration::from_millis(900) && time < Duration::from_secs(5),
            "{time:?}"
        );
    });
    join_all(uploads).await;
}

#[actix_web::test]
async fn a_slow_body_over_http2_is_408_too() {
    let service = Service::start(routes).await;
    let mut client = service.h2().await;
    let request = http::Request::post("https://localhost/notes")
        .body(())
        .unwrap();
    let (answer, mut body) = client.send_request(request, false).unwrap();
    let start = Instant::now();
    let sending = tokio::task::spawn_local(async move {
        while body.send_data("b".into(), false).is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let answer = soon("answer", answer).await.unwrap();
    assert_eq!(answer.status(), 408);
    let time = start.elapsed();
    assert!(
        time > Duration::from_millis(900) && time < Duration::from_secs(4),
        "{time:?}"
    );
    soon("end of stream", sending).await.unwrap();
    service.stop().await;
}

#[actix_web::test]
async fn an_idle_connection_is_closed() {
    let service = Service::start(routes).await;
    let mut connection = service.connect().await;
    connection.send(FINE).await;
    connection.answer().await;
    let (rest, time) = connection.rest().await;
    assert_eq!(rest, "");
    assert!(time < Duration::from_secs(9), "{time:?}");
    service.stop().await;
}

#[actix_web::test]
async fn connections_that_do_nothing_hold_up_nobody() {
    let service = Service::start(routes).await;
    let mut held = Vec::new();
    for i in 0..300 {
        let mut connection = service.connect().await;
        match i % 3 {
            0 => connection.send("GET /fine HTTP/1.1\r\nhost: a\r\n").await,
            1 => {
                connection
                    .send("POST /notes HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n")
                    .await
            }
            _ => {}
        }
        held.push(connection);
    }
    // Nobody reads these answers.
    for _ in 0..4 {
        let mut connection = service.connect().await;
        connection
            .send("GET /large HTTP/1.1\r\nhost: a\r\n\r\n")
            .await;
        held.push(connection);
    }
    for _ in 0..3 {
        let start = Instant::now();
        assert_eq!(service.ask(FINE).await.body, "fine");
        assert!(
            start.elapsed() < Duration::from_secs(2),
            "{:?}",
            start.elapsed()
        );
    }
    drop(held);
    service.stop().await;
}

/// More than actix-tls has handshakes in progress at a time, unless it is told otherwise.
#[actix_web::test]
async fn handshakes_that_do_not_go_on_hold_up_nobody() {
    for header in ["", "PROXY UNKNOWN\r\n"] {
        let mut settings = settings();
        settings.server.header_timeout = Duration::from_secs(18);
        settings.server.proxy_protocol = !header.is_empty();
        settings.client_address.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        let service = Service::start_with(settings, routes).await;
        let begin = || async {
            let mut socket = TcpStream::connect(service.address()).await.unwrap();
            socket.write_all(header.as_bytes()).await.unwrap();
            socket
        };
        let mut held = Vec::new();
        for i in 0..400 {
            let mut socket = begin().await;
            if i % 2 == 0 {
                // The first byte of a ClientHello.
                socket.write_all(&[22]).await.unwrap();
            }
            held.push(socket);
        }
        let start = Instant::now();
        let certificate = service.running.development_certificate().unwrap().der();
        let newcomer = tls_over(begin().await, certificate, "http/1.1").await;
        let mut connection = Connection::over(newcomer);
        connection.send(FINE).await;
        assert_eq!(connection.answer().await.body, "fine");
        assert!(
            start.elapsed() < Duration::from_secs(8),
            "{header:?}: {:?}",
            start.elapsed()
        );
        drop(held);
        service.stop().await;
    }
}
