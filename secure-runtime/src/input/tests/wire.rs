//! Refused uploads over a real connection: actix-http alone would read them for ever.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::Instant,
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};

use super::*;
use crate::{
    private::{self, Call, Probe},
    response::Secured,
};

static POLICY: Policy = Policy {
    handler: "upload",
    file: file!(),
    line: line!(),
    access: Access::Public { reason: None },
    outage: crate::policy::Outage::Deny,
    quotas: &[],
    cost: 1,
    concurrency: None,
    priority: crate::policy::Priority::Normal,
    max_body: 1000,
    body_timeout: Duration::from_millis(300),
    allow: None,
    login: None,
    inputs: &[],
};

/// What the attribute makes of a handler that takes a `T`.
async fn guarded<T: Input<M>, M>(call: Call) -> Secured {
    let taken = async {
        let mut admission = call.admit(&POLICY);
        let admitted = admission.judged().await?;
        Probe::<T, M>::take(admitted).await?;
        Ok(private::respond(admitted, HttpResponse::Ok().body("taken")).await)
    };
    Secured::from(taken.await)
}

async fn json(call: Call) -> Secured {
    guarded::<web::Json<String>, _>(call).await
}

async fn none(call: Call) -> Secured {
    guarded::<HttpRequest, _>(call).await
}

async fn start() -> SocketAddr {
    let server = HttpServer::new(|| {
        let mut settings = Settings::default();
        settings.danger.plaintext = true;
        let security = Security::builder().settings(settings).build().unwrap();
        App::new()
            .app_data(security)
            .route("/json", web::post().to(json))
            .route("/none", web::post().to(none))
    })
    .workers(1)
    .disable_signals()
    .client_disconnect_timeout(Duration::from_millis(100))
    .bind("127.0.0.1:0")
    .unwrap();
    let address = server.addrs()[0];
    actix_web::rt::spawn(server.run());
    address
}

/// Sends the head and then the piece again and again, at most for two seconds: what was answered,
/// and how many pieces were taken before the connection was closed.
async fn flood(
    address: SocketAddr,
    head: &'static str,
    piece: &'static [u8],
    pause: Duration,
) -> (String, Option<usize>) {
    let send = move || {
        let mut stream = TcpStream::connect(address).unwrap();
        let mut answers = stream.try_clone().unwrap();
        let answer = thread::spawn(move || {
            let mut answer = Vec::new();
            let mut buffer = [0; 1024];
            while let Ok(count @ 1..) = answers.read(&mut buffer) {
                answer.extend_from_slice(&buffer[..count]);
            }
            String::from_utf8(answer).unwrap()
        });
        stream.write_all(head.as_bytes()).unwrap();
        let start = Instant::now();
        let mut pieces = 0;
        let mut closed = None;
        while start.elapsed() < Duration::from_secs(2) {
            if stream.write_all(piece).is_err() {
                closed = Some(pieces);
                break;
            }
            pieces += 1;
            thread::sleep(pause);
        }
        let _ = stream.shutdown(std::net::Shutdown::Both);
        (answer.join().unwrap(), closed)
    };
    web::block(send).await.unwrap()
}

const CHUNKED: &str = "POST /json HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
    transfer-encoding: chunked\r\n\r\n";

#[actix_web::test]
async fn h12_an_endless_chunked_body_is_413_and_cut_off() {
    let address = start().await;
    let piece = b"0a\r\n\"xxxxxxxx\"\r\n";
    let (answer, closed) = flood(address, CHUNKED, piece, Duration::from_micros(20)).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    assert!(closed.is_some(), "the connection stays open");
}

#[actix_web::test]
async fn a_trickled_body_is_408_and_cut_off() {
    let address = start().await;
    let piece = b"1\r\n \r\n";
    let (answer, closed) = flood(address, CHUNKED, piece, Duration::from_millis(50)).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(closed.is_some(), "the connection stays open");
}

#[actix_web::test]
async fn a_body_that_nobody_takes_is_cut_off() {
    let address = start().await;
    let head = "POST /none HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    let piece = b"0a\r\n\"xxxxxxxx\"\r\n";
    let (answer, closed) = flood(address, head, piece, Duration::from_micros(20)).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(closed.is_some(), "the connection stays open");
}

#[actix_web::test]
async fn a_small_refused_body_leaves_the_connection_open() {
    let address = start().await;
    let head = "POST /json HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\n\
        content-length: 2\r\n\r\n{}";
    let again = head.as_bytes();
    let (answer, closed) = flood(address, head, again, Duration::from_millis(500)).await;
    assert!(answer.matches("HTTP/1.1 415 ").count() >= 2, "{answer}");
    assert!(closed.is_none());
}
