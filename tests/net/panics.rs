//! Code of the user's that panics: the caller learns nothing, and the server goes on.

use actix_web::{Responder, get, post, web};
use secure_runtime::{Routes, secured};

use crate::rig::{Connection, Service, soon};

const WORDS: &str = "internal words";

#[secured(public, rate = "1000/s")]
#[get("/handler")]
async fn handler() -> impl Responder {
    if true {
        panic!("{WORDS}");
    }
    "never"
}

fn decides(_id: u64) -> bool {
    panic!("{WORDS}")
}

#[secured(public, rate = "1000/s", allow = decides(*id))]
#[get("/allow/{id}")]
async fn allow(id: web::Path<u64>) -> impl Responder {
    id.to_string()
}

#[derive(serde::Deserialize, garde::Validate)]
struct Note {
    #[garde(custom(panics))]
    text: String,
}

fn panics(_: &str, _: &()) -> garde::Result {
    panic!("{WORDS}")
}

#[secured(public, rate = "1000/s")]
#[post("/validator")]
async fn validator(note: web::Json<Note>) -> impl Responder {
    note.into_inner().text
}

#[secured(public, rate = "1000/s")]
#[get("/fine")]
async fn fine() -> impl Responder {
    "fine"
}

fn routes(routes: &mut Routes) {
    routes
        .service(handler)
        .service(allow)
        .service(validator)
        .service(fine);
}

const REQUESTS: [&str; 3] = [
    "GET /handler HTTP/1.1\r\nhost: a\r\n\r\n",
    "GET /allow/1 HTTP/1.1\r\nhost: a\r\n\r\n",
    "POST /validator HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 12\r\n\r\n{\"text\":\"a\"}",
];

#[actix_web::test]
async fn a_panic_ends_its_request_and_nothing_else() {
    let service = Service::start(routes).await;
    // More of them than there are workers, or connections that one would lose.
    for request in REQUESTS.iter().cycle().take(30) {
        let mut connection: Connection = service.connect().await;
        connection.send(request).await;
        let (rest, _) = connection.rest().await;
        assert!(
            rest.is_empty() || rest.starts_with("HTTP/1.1 500 "),
            "{rest}"
        );
        assert!(!rest.contains(WORDS), "{rest}");
        assert!(!rest.contains(".rs"), "{rest}");
        assert!(!rest.contains("200 OK"), "{rest}");
    }
    let answer = service.ask("GET /fine HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(answer.body, "fine");
    service.stop().await;
}

#[actix_web::test]
async fn a_panic_ends_its_stream_and_no_other() {
    let service = Service::start(routes).await;
    let mut client = service.h2().await;
    let get = |path: &str| {
        http::Request::get(format!("https://localhost{path}"))
            .body(())
            .unwrap()
    };
    for _ in 0..10 {
        let (broken, _) = client.send_request(get("/handler"), true).unwrap();
        let (whole, _) = client.send_request(get("/fine"), true).unwrap();
        match soon("broken stream", broken).await {
            Ok(answer) => assert_eq!(answer.status(), 500),
            Err(error) => assert!(error.is_reset(), "{error}"),
        }
        assert_eq!(soon("whole stream", whole).await.unwrap().status(), 200);
    }
    service.stop().await;
}
