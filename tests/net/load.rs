//! Places that clients hold on purpose: a slow reader keeps his, and one who is gone does not.

use std::time::Duration;

use actix_web::{HttpResponse, Responder, get};
use bytes::Bytes;
use futures_util::stream;
use secure_runtime::{Routes, secured};

use crate::rig::{Service, soon};

/// Sends for as long as somebody reads.
#[secured(public, rate = "10000/s", concurrency = 2)]
#[get("/endless")]
async fn endless() -> impl Responder {
    let chunk = || Ok::<_, actix_web::Error>(Bytes::from_static(&[b'x'; 16 << 10]));
    HttpResponse::Ok().streaming(stream::repeat_with(chunk))
}

fn routes(routes: &mut Routes) {
    routes.service(endless);
}

const ENDLESS: &str = "GET /endless HTTP/1.1\r\nhost: a\r\n\r\n";

/// The status of one more request, whose connection ends with the head of the answer.
async fn status(service: &Service) -> u16 {
    let mut connection = service.connect().await;
    connection.send(ENDLESS).await;
    // As if it had no body: that of the handler has no end.
    connection.answer_to("HEAD").await.status
}

/// Waits until there is a place again: the server notices at its own pace that a client is gone.
async fn wait_for_a_place(service: &Service) {
    soon("a place", async {
        while status(service).await != 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[actix_web::test]
async fn over_http1_a_slow_reader_holds_a_place_until_he_is_gone() {
    let service = Service::start(routes).await;
    let mut readers = Vec::new();
    for _ in 0..2 {
        let mut reader = service.connect().await;
        reader.send(ENDLESS).await;
        assert_eq!(reader.answer_to("HEAD").await.status, 200);
        readers.push(reader);
    }
    for _ in 0..3 {
        assert_eq!(status(&service).await, 503);
    }
    readers.pop();
    wait_for_a_place(&service).await;
    service.stop().await;
}

#[actix_web::test]
async fn over_http2_a_reset_stream_frees_its_place() {
    let service = Service::start(routes).await;
    let mut client = service.h2().await;
    let mut streams = Vec::new();
    for expected in [200, 200, 503] {
        client = soon("stream", client.ready()).await.unwrap();
        let request = http::Request::get("https://localhost/endless")
            .body(())
            .unwrap();
        let (answer, _) = client.send_request(request, true).unwrap();
        let answer = soon("answer", answer).await.unwrap();
        assert_eq!(answer.status(), expected);
        // Not read on: its window is full.
        streams.push(answer);
    }
    assert_eq!(status(&service).await, 503);
    // Dropping a stream resets it; the connection stays.
    streams.remove(0);
    wait_for_a_place(&service).await;
    service.stop().await;
}
