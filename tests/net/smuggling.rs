//! Requests that two parsers could read in two ways: what is executed is what was judged.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use actix_web::{HttpResponse, Responder, delete, get, http::Method, post, web};
use secure_runtime::{Routes, secured};
use tokio::time::timeout;

use crate::rig::{Answer, Service};

static DELETED: AtomicUsize = AtomicUsize::new(0);

#[secured(public, rate = "10000/s")]
#[get("/open")]
async fn open() -> impl Responder {
    "open"
}

#[secured(public, rate = "10000/s", max_body = "1KB")]
#[post("/echo")]
async fn echo(body: web::Bytes) -> impl Responder {
    HttpResponse::Ok().body(body)
}

#[secured(public, rate = "10000/s")]
#[delete("/thing")]
async fn delete_thing() -> impl Responder {
    DELETED.fetch_add(1, Ordering::Relaxed);
    "deleted"
}

#[secured(role = "admin")]
#[get("/secret")]
async fn secret() -> impl Responder {
    "the secret"
}

#[secured(role = "admin")]
async fn report(name: web::Path<String>) -> impl Responder {
    format!("the secret report {name}")
}

pub(crate) fn routes(routes: &mut Routes) {
    routes
        .service(open)
        .service(echo)
        .service(delete_thing)
        .scope("/admin", |admin| {
            admin
                .service(secret)
                .route("/reports/{name}", Method::GET, report);
        })
        .unguarded("/assets", "a test", |config| {
            config.service(
                web::resource("/{tail:.*}")
                    .to(|tail: web::Path<String>| async move { format!("asset {tail}") }),
            );
        });
}

/// Sends all of `bytes` and reads everything until the server closes or falls silent.
pub(crate) async fn exchange(service: &Service, bytes: &str) -> Vec<Answer> {
    let mut connection = service.connect().await;
    connection.send(bytes).await;
    let mut answers = Vec::new();
    // Longer than what is left of a refused body may take.
    let mut silence = Duration::from_secs(2);
    while let Ok(Some(answer)) = timeout(silence, connection.read_answer("GET")).await {
        answers.push(answer);
        silence = Duration::from_millis(100);
    }
    answers
}

pub(crate) fn statuses(answers: &[Answer]) -> Vec<u16> {
    answers.iter().map(|answer| answer.status).collect()
}

const SMUGGLED: &str = "DELETE /thing HTTP/1.1\r\nhost: a\r\n\r\n";

/// One test, because it counts what was executed.
#[actix_web::test]
async fn nothing_in_a_body_is_executed() {
    let service = Service::start(routes).await;
    let length = SMUGGLED.len();
    let chunks = format!("{length:x}\r\n{SMUGGLED}\r\n0\r\n\r\n");
    for (request, expected) in [
        // A body that is read, one that nobody reads, and ones that are refused.
        (
            format!("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{SMUGGLED}"),
            vec![200],
        ),
        (
            format!("POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{chunks}"),
            vec![200],
        ),
        (
            format!("GET /open HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{SMUGGLED}"),
            vec![200],
        ),
        (
            format!("GET /open HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{chunks}"),
            vec![200],
        ),
        (
            format!(
                "GET /admin/secret HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{SMUGGLED}"
            ),
            vec![401],
        ),
        (
            format!(
                "GET /admin/secret HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{chunks}"
            ),
            vec![401],
        ),
        (
            format!(
                "GET /nowhere HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{SMUGGLED}"
            ),
            vec![404],
        ),
        (
            format!(
                "GET /nowhere HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{chunks}"
            ),
            vec![404],
        ),
        (
            format!(
                "POST /assets/a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{chunks}"
            ),
            vec![200],
        ),
        // The rest of a refused body that is longer than what is drained.
        (
            format!("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n{SMUGGLED}"),
            vec![413],
        ),
        (
            format!(
                "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nfff\r\n{}\r\nzz\r\n{SMUGGLED}",
                "x".repeat(0xfff)
            ),
            vec![413],
        ),
        // Lengths that two parsers could take for different ones.
        (
            format!(
                "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\ntransfer-encoding: chunked\r\n\r\n{chunks}"
            ),
            vec![400],
        ),
        (
            format!(
                "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n{chunks}"
            ),
            vec![400],
        ),
        (
            format!(
                "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\ncontent-length: {length}\r\n\r\n{SMUGGLED}"
            ),
            vec![400],
        ),
        (
            format!(
                "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: xchunked\r\n\r\n{chunks}"
            ),
            vec![400],
        ),
        (
            format!(
                "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, identity\r\n\r\n{chunks}"
            ),
            vec![400],
        ),
        (
            format!(
                "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding:\x0bchunked\r\n\r\n{chunks}"
            ),
            vec![400],
        ),
        (
            format!(
                "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding : chunked\r\n\r\n{chunks}"
            ),
            vec![400],
        ),
        (
            format!(
                "POST /echo HTTP/1.1\r\nhost: a\r\nx: y\r\n transfer-encoding: chunked\r\n\r\n{chunks}"
            ),
            vec![400],
        ),
        (
            format!("POST /echo HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{chunks}"),
            vec![400],
        ),
        // Chunk sizes that overflow or are no numbers.
        (
            format!(
                "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n10000000000000000\r\n{SMUGGLED}"
            ),
            vec![400],
        ),
        (
            format!(
                "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n{SMUGGLED}"
            ),
            vec![400],
        ),
        (
            format!(
                "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0x1\r\n{SMUGGLED}"
            ),
            vec![400],
        ),
        // With an upgrade all that follows would be its stream.
        (
            format!(
                "POST /echo HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\ncontent-length: 0\r\n\r\n{SMUGGLED}"
            ),
            vec![400],
        ),
        (
            "GET /open HTTP/1.1\r\nhost: a\r\nupgrade: h2c\r\nconnection: upgrade, http2-settings\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n".to_owned(),
            vec![400],
        ),
        (
            format!("CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n{SMUGGLED}"),
            vec![404],
        ),
    ] {
        let answers = exchange(&service, &request).await;
        let executed = DELETED.swap(0, Ordering::Relaxed);
        assert_eq!(executed, 0, "{request}: {answers:?}");
        assert_eq!(statuses(&answers), expected, "{request}: {answers:?}");
    }

    // The same request by itself is executed, so the counts above mean something.
    let two = format!("GET /open HTTP/1.1\r\nhost: a\r\n\r\n{SMUGGLED}");
    assert_eq!(statuses(&exchange(&service, &two).await), [200, 200]);
    assert_eq!(DELETED.swap(0, Ordering::Relaxed), 1);

    for field in [
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
        "_method",
    ] {
        let request = format!(
            "POST /echo?_method=DELETE HTTP/1.1\r\nhost: a\r\n{field}: DELETE\r\ncontent-length: 14\r\n\r\n_method=DELETE"
        );
        assert_eq!(statuses(&exchange(&service, &request).await), [200]);
        let request = format!("GET /thing HTTP/1.1\r\nhost: a\r\n{field}: DELETE\r\n\r\n");
        assert_eq!(statuses(&exchange(&service, &request).await), [405]);
    }
    for field in [
        "x-original-url",
        "x-rewrite-url",
        "x-forwarded-prefix",
        "x-forwarded-host",
    ] {
        let request = format!("GET /open HTTP/1.1\r\nhost: a\r\n{field}: /thing\r\n\r\n");
        assert_eq!(exchange(&service, &request).await[0].body, "open");
        let request = format!("GET /nowhere HTTP/1.1\r\nhost: a\r\n{field}: /open\r\n\r\n");
        assert_eq!(statuses(&exchange(&service, &request).await), [404]);
    }
    assert_eq!(DELETED.load(Ordering::Relaxed), 0);
    service.stop().await;
}
