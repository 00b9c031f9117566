//! Requests that two parsers could read in two ways, and paths with more than one spelling: what
//! is executed is what was judged.

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

fn routes(routes: &mut Routes) {
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
async fn exchange(service: &Service, bytes: &str) -> Vec<Answer> {
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

fn statuses(answers: &[Answer]) -> Vec<u16> {
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

/// A policy belongs to the handler, so no spelling of its path has another one: whatever reaches
/// a guarded handler asks for its role, and what is not the exact path is nothing.
#[actix_web::test]
async fn no_spelling_of_a_path_has_another_policy() {
    let service = Service::start(routes).await;
    let admin = service.tokens.token("ada").role("admin").sign();
    for target in [
        "/admin/secret",
        "/admin//secret",
        "//admin/secret",
        "/admin/secret/",
        "/admin/secret//",
        "/admin/secret.",
        "/admin/secret;a=b",
        "/admin;a=b/secret",
        "/ADMIN/secret",
        "/admin/SECRET",
        "/Admin/Secret",
        "/./admin/secret",
        "/admin/./secret",
        "/assets/../admin/secret",
        "/open/../admin/secret",
        "/assets/%2e%2e/admin/secret",
        "/assets/..%2fadmin/secret",
        "/assets/..%2fadmin%2fsecret",
        "/%2e%2e/admin/secret",
        "/admin%2fsecret",
        "/admin%2Fsecret",
        "/admin/%73ecret",
        "/%61dmin/secret",
        "/admin/secret%00",
        "/admin/secret%20",
        "/admin/secret%0d%0a",
        "/admin/secret%3f",
        "/admin/secret?",
        "/admin/secret?a=/open",
        "/admin/secret%23",
        "/admin\\secret",
        "/admin/%2573ecret",
        "/admin/s%c3%a9cret",
        "/admin/%c0%afsecret",
        "/admin/secret%c0",
        "/open/admin/secret",
        "/openadmin/secret",
        "/admin/secret/open",
        "/admin/open",
        "https://localhost/admin/secret",
        "https://localhost//admin/secret",
        "http://evil.example/admin/secret",
        "HTTPS://LOCALHOST/admin/secret",
        "https://localhost/assets/../admin/secret",
        "/admin/reports/a",
        "/admin/reports/a%2fb",
        "/admin/reports/..%2f..%2fopen",
        "/admin/reports/%2e%2e",
        "/admin/reports/..",
        "/admin/reports//",
        "/admin//reports/a",
    ] {
        let head = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n");
        let answers = exchange(&service, &format!("{head}\r\n")).await;
        let [stranger] = answers.as_slice() else {
            panic!("{target}: {answers:?}");
        };
        assert!(
            !stranger.body.contains("secret report"),
            "{target}: {stranger:?}"
        );
        assert!(
            !stranger.body.contains("the secret"),
            "{target}: {stranger:?}"
        );
        // An asset is served under its prefix only.
        let is_asset = stranger.body.starts_with("asset ");
        assert_eq!(is_asset, stranger.status == 200, "{target}: {stranger:?}");
        assert!(
            !is_asset || target.contains("/assets/"),
            "{target}: {stranger:?}"
        );

        let head = format!("{head}authorization: Bearer {admin}\r\n");
        let answers = exchange(&service, &format!("{head}\r\n")).await;
        let expected = match stranger.status {
            401 => 200, // the guarded handler, and nothing else stands in the way
            other => other,
        };
        assert_eq!(statuses(&answers), [expected], "{target}: {answers:?}");
    }
    for line in [
        "GET  /admin/secret HTTP/1.1",
        "GET /admin/secret\0 HTTP/1.1",
        "GET /a b HTTP/1.1",
        "GET\t/admin/secret HTTP/1.1",
        "GET admin/secret HTTP/1.1",
        "GET /admin/secret HTTP/1.2",
        "GET /admin/secret HTTP/2.0",
        "get /admin/secret",
        "G\u{0}T / HTTP/1.1",
        "GET * HTTP/1.1",
        "GET @evil/admin/secret HTTP/1.1",
        "\u{16}\u{3}\u{1}",
        "PRI * HTTP/2.0",
    ] {
        let answers = exchange(&service, &format!("{line}\r\nhost: a\r\n\r\n")).await;
        let seen = statuses(&answers);
        assert!(
            matches!(seen.as_slice(), [] | [400] | [404]),
            "{line}: {answers:?}"
        );
    }
    service.stop().await;
}

#[actix_web::test]
async fn the_host_changes_nothing() {
    let service = Service::start(routes).await;
    for host in [
        "localhost",
        "127.0.0.1",
        "evil.example",
        "localhost:1",
        "a, b",
        "admin@localhost",
        "[::1]",
        "localhost/open",
        "..",
        "",
    ] {
        for (path, expected) in [("/open", 200), ("/admin/secret", 401), ("/nowhere", 404)] {
            let answers = exchange(
                &service,
                &format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"),
            )
            .await;
            let seen = statuses(&answers);
            assert!(
                seen == [expected] || seen == [400],
                "{host} {path}: {answers:?}"
            );
            for answer in answers {
                assert!(!answer.head.contains("evil"), "{answer:?}");
                assert!(!answer.body.contains("evil"), "{answer:?}");
            }
        }
    }
    service.stop().await;
}
