//! Uploads that are refused: the answer arrives whole, and what nobody reads is not taken for ever.

use std::time::Duration;

use actix_web::{HttpResponse, Responder, get, http::StatusCode, post, web};
use futures_util::{StreamExt, future::join_all};
use secure_runtime::{Principal, Routes, secured};

use crate::rig::{Answer, Connection, Service, soon};

#[derive(serde::Deserialize, serde::Serialize, garde::Validate)]
struct Note {
    #[garde(length(max = 100))]
    text: String,
}

#[secured(role = "customer", max_body = "1KB")]
#[post("/notes")]
async fn add_note(note: web::Json<Note>) -> impl Responder {
    note
}

#[secured(role = "admin", max_body = "1KB")]
#[post("/admin-notes")]
async fn add_admin_note(note: web::Json<Note>) -> impl Responder {
    note
}

#[secured(public, rate = "1/day", max_body = "1KB")]
#[post("/once")]
async fn once(note: web::Json<Note>) -> impl Responder {
    note
}

#[secured(public, rate = "1000/s")]
#[post("/bodyless")]
async fn bodyless() -> impl Responder {
    "x".repeat(50_000)
}

#[secured(public, rate = "1000/s", max_body = "100MB")]
#[post("/half-read")]
async fn half_read(mut body: web::Payload) -> impl Responder {
    let first = body.next().await.unwrap().unwrap();
    format!("{}", first.len().min(1))
}

#[secured(public, rate = "1000/s")]
#[post("/status/{code}")]
async fn any_status(code: web::Path<u16>) -> impl Responder {
    HttpResponse::build(StatusCode::from_u16(*code).unwrap()).finish()
}

#[secured(public, rate = "1000/s")]
#[actix_web::route("/head", method = "GET", method = "HEAD")]
async fn get_or_head() -> impl Responder {
    "the body"
}

#[secured]
#[get("/me")]
async fn me(caller: Principal) -> impl Responder {
    caller.subject().to_owned()
}

fn routes(routes: &mut Routes) {
    routes
        .service(add_note)
        .service(add_admin_note)
        .service(once)
        .service(bodyless)
        .service(half_read)
        .service(any_status)
        .service(get_or_head)
        .service(me);
    routes.unguarded("/open", "a test", |config| {
        config.service(web::resource("/thing").to(|| async { "open" }));
    });
}

/// Method, path and fields of requests that are refused, and the status.
fn refusals(service: &Service) -> Vec<(String, u16)> {
    let customer = service.customer();
    let json = "content-type: application/json\r\n";
    vec![
        (format!("POST /notes HTTP/1.1\r\n{json}"), 401),
        (
            format!("POST /notes HTTP/1.1\r\nauthorization: Bearer wrong\r\n{json}"),
            401,
        ),
        (
            format!("POST /admin-notes HTTP/1.1\r\n{customer}{json}"),
            403,
        ),
        (
            format!("POST /notes HTTP/1.1\r\n{customer}{json}content-encoding: gzip\r\n"),
            415,
        ),
        (
            format!("POST /notes HTTP/1.1\r\n{customer}content-type: text/plain\r\n"),
            415,
        ),
        (format!("POST /nowhere HTTP/1.1\r\n{json}"), 404),
        (format!("PUT /notes HTTP/1.1\r\n{customer}{json}"), 405),
    ]
}

fn assert_whole(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{answer:?}");
    if status >= 400 {
        let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(problem["status"], status, "{answer:?}");
    }
}

#[actix_web::test]
async fn a_small_refused_body_is_drained_and_the_connection_goes_on() {
    let service = Service::start(routes).await;
    let customer = service.customer();
    for (head, status) in refusals(&service) {
        for (framing, body) in [
            ("content-length: 300", "x".repeat(300)),
            ("transfer-encoding: chunked", chunked(&"x".repeat(300))),
        ] {
            let mut connection = service.connect().await;
            // In two pieces, so that the body is not there when the head is judged.
            connection
                .send(format!("{head}host: a\r\n{framing}\r\n\r\n"))
                .await;
            tokio::time::sleep(Duration::from_millis(20)).await;
            connection.send(&body).await;
            let answer = connection.answer().await;
            assert_whole(&answer, status);
            assert!(!answer.closes(), "{head}: {answer:?}");
            connection
                .send(format!("GET /me HTTP/1.1\r\nhost: a\r\n{customer}\r\n"))
                .await;
            assert_eq!(connection.answer().await.body, "ann", "{head}");
        }
    }
    service.stop().await;
}

/// The halves of a connection: the server may answer while the upload goes on.
fn split(connection: Connection) -> (Connection, Connection) {
    let (read, write) = tokio::io::split(connection.stream);
    (
        Connection::over(tokio::io::join(read, tokio::io::sink())),
        Connection::over(tokio::io::join(tokio::io::empty(), write)),
    )
}

/// Heads of requests whose body nobody reads to its end, and the status.
fn unread(service: &Service) -> Vec<(String, u16)> {
    let mut heads = refusals(service);
    for (path, status) in [
        ("/bodyless", 200),
        ("/half-read", 200),
        ("/status/204", 204),
        ("/status/304", 304),
        ("/status/400", 400),
        ("/open/thing", 200),
        ("/open/nothing", 404),
    ] {
        heads.push((format!("POST {path} HTTP/1.1\r\n"), status));
    }
    heads
}

#[actix_web::test]
async fn an_endless_upload_is_cut_off_after_its_answer() {
    let service = Service::start(routes).await;
    let service = &service;
    let uploads = unread(service).into_iter().flat_map(|(head, status)| {
        ["transfer-encoding: chunked", "content-length: 99999999999"].map(|framing| {
            endless_upload(
                service,
                format!("{head}host: a\r\n{framing}\r\n\r\n"),
                status,
            )
        })
    });
    join_all(uploads).await;
}

async fn endless_upload(service: &Service, head: String, status: u16) {
    let mut connection = service.connect().await;
    connection.send(&head).await;
    let (mut reader, mut writer) = split(connection);
    let answering = async {
        let answer = reader.answer().await;
        assert!(answer.closes(), "{head}: {answer:?}");
        match status {
            // Its declared length is wrong before anything else is.
            _ if head.contains("content-length") && answer.status == 413 => {}
            200 if head.contains("bodyless") => assert_eq!(answer.body.len(), 50_000),
            200.. if head.contains("/status/") => assert_eq!(answer.status, status),
            status => assert_whole(&answer, status),
        }
        let (rest, _) = reader.rest().await;
        assert_eq!(rest, "", "{head}");
    };
    let chunk = chunk(&"x".repeat(8000));
    let ((), time) = tokio::join!(answering, writer.send_for_ever(chunk.as_bytes()));
    assert!(time < Duration::from_secs(5), "{head}: {time:?}");
}

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

fn chunked(text: &str) -> String {
    chunk(text) + "0\r\n\r\n"
}

/// How much of a refused upload is taken: a client that sends slowly is cut off by bytes or by
/// time, whichever comes first, and one that sends fast finds the connection closed.
#[actix_web::test]
async fn of_a_refused_upload_little_is_taken() {
    let service = Service::start(routes).await;
    for head in ["POST /notes HTTP/1.1\r\n", "POST /nowhere HTTP/1.1\r\n"] {
        let mut connection = service.connect().await;
        connection
            .send(format!(
                "{head}host: a\r\ntransfer-encoding: chunked\r\n\r\n"
            ))
            .await;
        let (mut reader, mut writer) = split(connection);
        let chunk = chunk(&"x".repeat(1000));
        let sending = async {
            let mut sent = 0;
            while sent < 10_000_000 {
                let write =
                    tokio::io::AsyncWriteExt::write_all(&mut writer.stream, chunk.as_bytes());
                if soon("sending", write).await.is_err() {
                    break;
                }
                sent += 1000;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            sent
        };
        let (answer, sent) = tokio::join!(reader.answer(), sending);
        assert!(answer.closes(), "{answer:?}");
        // 64 KiB or 200 ms of draining and 1 s in which the client can read the answer: at most
        // 500 bytes a millisecond.
        assert!(sent < 1_500_000, "{head}: {sent}");
    }
    service.stop().await;
}

#[actix_web::test]
async fn head_has_the_length_and_not_the_body() {
    let service = Service::start(routes).await;
    let mut connection = service.connect().await;
    for body in ["content-length: 4\r\n\r\nbody", "\r\n"] {
        connection
            .send(format!("HEAD /head HTTP/1.1\r\nhost: a\r\n{body}"))
            .await;
        let answer = connection.answer_to("HEAD").await;
        assert_eq!(
            (answer.status, answer.field("content-length")),
            (200, Some("8"))
        );
    }
    connection
        .send("HEAD /head HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    let answer = connection.answer_to("HEAD").await;
    assert_eq!(answer.field("content-length"), Some("8"));
    assert!(answer.closes());
    assert_eq!(connection.rest().await.0, "");
    service.stop().await;
}

#[actix_web::test]
async fn over_http2_a_refused_upload_ends_its_stream_only() {
    let service = Service::start(routes).await;
    let customer = service.customer();
    let customer = customer.trim().split_once(": ").unwrap().1;
    let mut client = service.h2().await;
    let post = |path: &str| {
        http::Request::post(format!("https://localhost{path}"))
            .header("content-type", "application/json")
    };
    for (request, status) in [
        (post("/notes"), 401),
        (post("/notes").header("authorization", "Bearer wrong"), 401),
        (post("/admin-notes").header("authorization", customer), 403),
        (post("/notes").header("authorization", customer), 413),
        (
            post("/notes")
                .header("authorization", customer)
                .header("content-encoding", "br"),
            415,
        ),
        (post("/nowhere"), 404),
        (post("/bodyless"), 200),
        (post("/half-read"), 200),
        (post("/status/204"), 204),
        (post("/status/304"), 304),
        (post("/open/thing"), 200),
        (post("/open/nothing"), 404),
    ] {
        let (answer, mut upload) = client
            .send_request(request.body(()).unwrap(), false)
            .unwrap();
        let sending = async {
            let mut sent = 0;
            loop {
                upload.reserve_capacity(10_000);
                match std::future::poll_fn(|cx| upload.poll_capacity(cx)).await {
                    Some(Ok(room)) => {
                        if upload.send_data(vec![b'x'; room].into(), false).is_err() {
                            return sent;
                        }
                        sent += room;
                    }
                    Some(Err(_)) | None => return sent,
                }
            }
        };
        let reading = async {
            let mut answer = answer.await.unwrap();
            let mut body = Vec::new();
            while let Some(Ok(some)) = answer.body_mut().data().await {
                answer
                    .body_mut()
                    .flow_control()
                    .release_capacity(some.len())
                    .unwrap();
                body.extend_from_slice(&some);
            }
            (answer, body)
        };
        let ((answer, body), sent) =
            soon("answer and reset", async { tokio::join!(reading, sending) }).await;
        assert_eq!(answer.status(), status);
        if status >= 400 {
            let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(problem["status"], status);
        }
        // What is drained, and the windows of the stream on both sides.
        assert!(sent < 1 << 20, "{status}: {sent}");
    }
    // The connection is as good as new, its window too.
    let request = http::Request::get("https://localhost/me").header("authorization", customer);
    let (answer, _) = client
        .send_request(request.body(()).unwrap(), true)
        .unwrap();
    assert_eq!(soon("answer", answer).await.unwrap().status(), 200);
    service.stop().await;
}
