//! What one connection may do: be silent for a while, and have so many requests at a time.

use std::time::Duration;

use actix_web::{HttpResponse, Responder, get, post, web};
use bytes::Bytes;
use futures_util::{future::join_all, stream};
use secure_runtime::{Routes, secured};

use crate::rig::{Service, settings, soon};

#[secured(public, rate = "10000/s")]
#[get("/fine")]
async fn fine() -> impl Responder {
    "fine"
}

/// Sends a byte a second for twelve seconds.
#[secured(public, rate = "10000/s")]
#[get("/drops")]
async fn drops() -> impl Responder {
    HttpResponse::Ok().streaming(stream::unfold(0, |sent| async move {
        if sent == 12 {
            return None;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        Some((
            Ok::<_, actix_web::Error>(Bytes::from_static(b"x")),
            sent + 1,
        ))
    }))
}

#[secured(public, rate = "10000/s", body_timeout = "20s")]
#[post("/notes")]
async fn note(body: web::Bytes) -> impl Responder {
    body.len().to_string()
}

fn routes(routes: &mut Routes) {
    routes.service(fine).service(drops).service(note);
}

const FINE: &str = "GET /fine HTTP/1.1\r\nhost: a\r\n\r\n";

/// A service that closes connections after six silent seconds: five idle ones and this one.
async fn service() -> Service {
    let mut settings = settings();
    settings.server.header_timeout = Duration::from_secs(1);
    Service::start_with(settings, routes).await
}

#[actix_web::test]
async fn half_a_second_head_does_not_hold_a_connection() {
    let service = service().await;
    let mut connection = service.connect().await;
    connection.send(FINE).await;
    assert_eq!(connection.answer().await.body, "fine");
    connection.send("GET /fine HTT").await;
    let (rest, time) = connection.rest().await;
    assert_eq!(rest, "");
    assert!(time < Duration::from_secs(12), "{time:?}");
    service.stop().await;
}

#[actix_web::test]
async fn a_long_answer_is_not_silence() {
    let service = service().await;
    let mut connection = service.connect().await;
    connection
        .send("GET /drops HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await;
    let (answer, time) = connection.rest().await;
    assert_eq!(answer.matches("1\r\nx\r\n").count(), 12, "{answer}");
    assert!(answer.ends_with("0\r\n\r\n"), "{answer}");
    assert!(time > Duration::from_secs(11), "{time:?}");
    service.stop().await;
}

#[actix_web::test]
async fn a_connection_in_use_is_kept() {
    let service = service().await;
    let mut connection = service.connect().await;
    for _ in 0..4 {
        connection.send(FINE).await;
        assert_eq!(connection.answer().await.body, "fine");
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    service.stop().await;
}

/// HTTP/2 lets a client open as many streams as it likes; what is in progress has a bound.
#[actix_web::test]
async fn one_connection_has_so_many_requests_at_a_time() {
    const STREAMS: usize = 400;
    let service = service().await;
    let mut client = service.h2().await;
    let mut bodies = Vec::new();
    let mut answers = Vec::new();
    for _ in 0..STREAMS {
        client = soon("stream", client.ready()).await.unwrap();
        let request = http::Request::post("https://localhost/notes")
            .body(())
            .unwrap();
        let (answer, body) = client.send_request(request, false).unwrap();
        answers.push(answer);
        bodies.push(body);
    }
    // Another connection does not notice.
    assert_eq!(service.ask(FINE).await.body, "fine");
    // Those that were admitted wait for their bodies; now they get them.
    for body in &mut bodies {
        // The server has reset the streams that it refused.
        body.send_data("note".into(), true).ok();
    }
    let answers = soon("answers", join_all(answers)).await;
    let statuses: Vec<u16> = answers
        .into_iter()
        .map(|answer| answer.unwrap().status().as_u16())
        .collect();
    let count = |status| statuses.iter().filter(|&&found| found == status).count();
    assert_eq!((count(200), count(503)), (256, STREAMS - 256));

    // Afterwards there is room again.
    let request = http::Request::get("https://localhost/fine")
        .body(())
        .unwrap();
    let mut client = soon("room", client.ready()).await.unwrap();
    let (answer, _) = client.send_request(request, true).unwrap();
    assert_eq!(soon("answer", answer).await.unwrap().status(), 200);
    service.stop().await;
}
