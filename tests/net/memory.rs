//! The shop under attack takes a bounded amount of memory, and answers afterwards.

use std::{
    cell::Cell,
    fs,
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use actix_web::{Responder, get, post, web};
use futures_util::future::{join, join_all};
use secure_runtime::{Routes, secured};

use crate::{
    child::Shop,
    rig::{Connection, Service, soon},
};

const MIB: usize = 1 << 20;

/// Most that the shop may grow, at any time and for good.
const GROWTH: usize = 96 * MIB;
/// Connections held open at a time.
const HELD: usize = 2000;
/// Requests with credentials that are wrong.
const BAD_TOKENS: usize = 100_000;
/// Requests in flight on each connection of a flood.
const PIPELINED: usize = 16;
const FLOODING: usize = 8;
/// Addresses, and tokens that are wrong, each sent once. A million takes two minutes: the variable
/// `STRANGERS` says another number.
const STRANGERS: usize = 200_000;
/// Most that the shop may grow by them: those who still count are few at a time.
const GROWTH_BY_STRANGERS: usize = 16 * MIB;

/// Bytes of memory that a process has.
fn resident(process: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    let kilobytes: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes << 10
}

struct Attacked {
    shop: Shop,
    before: usize,
}

impl Attacked {
    async fn new() -> Self {
        Self::with(Shop::start()).await
    }

    async fn with(shop: Shop) -> Self {
        for _ in 0..20 {
            shop.ask(HEALTH).await;
        }
        let before = resident(shop.child.id());
        Self { shop, before }
    }

    /// Since the start it has grown by less than `bound`, and still answers.
    async fn assert_well(&self, after: &str, bound: usize) {
        let grown = resident(self.shop.child.id()).saturating_sub(self.before);
        assert!(grown < bound, "{after}: {} MiB", grown / MIB);
        let start = Instant::now();
        let answer = self.shop.ask(HEALTH).await;
        assert_eq!(answer.status, 200, "{after}: {answer:?}");
        assert!(
            start.elapsed() < Duration::from_secs(1),
            "{after}: {:?}",
            start.elapsed()
        );
    }

    /// Sends requests over a few connections, each with so many in flight, and reads the answers.
    async fn flood(&self, count: usize, request: impl Fn(usize) -> String, expected: &[u16]) {
        let request = &request;
        let floods = (0..FLOODING).map(|place| async move {
            let mut connection = self.shop.connect().await;
            for batch in 0..count / FLOODING / PIPELINED {
                let first = (batch * FLOODING + place) * PIPELINED;
                let requests: String = (first..first + PIPELINED).map(request).collect();
                connection.send(requests).await;
                for _ in 0..PIPELINED {
                    let answer = connection.answer().await;
                    assert!(expected.contains(&answer.status), "{answer:?}");
                }
            }
        });
        join_all(floods.map(Box::pin)).await;
    }
}

const HEALTH: &str = "GET /health HTTP/1.1\r\nhost: a\r\n\r\n";

/// One attack after the other on one process, so that what any of them leaves behind adds up.
#[actix_web::test]
async fn memory_is_bounded_under_attack() {
    let attacked = Attacked::new().await;
    let shop = &attacked.shop;

    let head = "GET /items HTTP/1.1\r\nhost: a\r\nx: ";
    let mut held = Vec::new();
    for _ in 0..HELD / 50 {
        held.extend(
            join_all((0..50).map(|_| {
                Box::pin(async {
                    let mut connection = shop.connect().await;
                    connection.send(head).await;
                    connection
                })
            }))
            .await,
        );
    }
    attacked.assert_well("partial heads", GROWTH).await;
    drop(held);

    let uploads = (0..200).map(|_| async {
        let mut connection = shop.connect().await;
        connection
            .send("POST /orders HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
            .await;
        connection
            .send_for_ever(format!("1000\r\n{}\r\n", "x".repeat(4096)).as_bytes())
            .await
    });
    join_all(uploads.map(Box::pin)).await;
    attacked.assert_well("refused uploads", GROWTH).await;

    let token = shop.folder.tokens.token("ann").role("customer").sign();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (_, rest) = signature.split_at(6);
    let forged = |number: usize| {
        let number = format!("{number:06}");
        format!(
            "GET /orders HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {signed}.{number}{rest}\r\n\r\n"
        )
    };
    attacked.flood(BAD_TOKENS, forged, &[401, 429]).await;
    let nonsense = |number: usize| {
        format!(
            "GET /orders HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {number:x}.{number:o}.a\r\n\r\n"
        )
    };
    attacked.flood(BAD_TOKENS, nonsense, &[401, 429]).await;
    attacked.assert_well("bad tokens", GROWTH).await;

    let large = "x".repeat(100_000);
    let request = |_| format!("GET /profile HTTP/1.1\r\nhost: a\r\nx: {large}\r\n\r\n");
    attacked.flood(1024, request, &[401]).await;
    attacked.assert_well("large headers", GROWTH).await;

    let bomb = "x".repeat(1000);
    let request = |number| {
        let coding = ["gzip", "br", "deflate", "zstd"][number % 4];
        format!(
            "POST /payments/settled HTTP/1.1\r\nhost: a\r\ncontent-encoding: {coding}\r\ncontent-length: 1000\r\n\r\n{bomb}"
        )
    };
    attacked.flood(4096, request, &[415, 429]).await;
    attacked.assert_well("compressed bodies", GROWTH).await;
}

/// L10: each request from another address and with another token, while a customer goes on. She
/// gets what her quota says, 100 at once and one each 600 ms.
#[actix_web::test]
async fn l10_forged_tokens_from_everywhere() {
    let strangers = std::env::var("STRANGERS").map_or(STRANGERS, |count| count.parse().unwrap());
    let proxies = ("SECURE__CLIENT_ADDRESS__TRUSTED_PROXIES__0", "127.0.0.1/32");
    let attacked = Attacked::with(Shop::start_with(&[proxies])).await;
    let shop = &attacked.shop;
    let token = shop.folder.tokens.token("ann").role("customer");
    let token = token.scope("orders:read").sign();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (_, rest) = signature.split_at(6);
    let request = |address: Ipv4Addr, token: &str| {
        format!(
            "GET /orders HTTP/1.1\r\nhost: a\r\nx-forwarded-for: {address}\r\n\
             authorization: Bearer {token}\r\n\r\n"
        )
    };
    let stranger = |number: usize| {
        let address = Ipv4Addr::from_bits(0x0a00_0000 + number as u32);
        request(address, &format!("{signed}.{number:06}{rest}"))
    };
    let is_over = Cell::new(false);
    let flood = async {
        attacked.flood(strangers, stranger, &[401]).await;
        is_over.set(true);
    };
    let customer = async {
        let mut connection = shop.connect().await;
        let start = Instant::now();
        let mut admitted = 0;
        for number in 0..200 {
            let from = Ipv4Addr::new(203, 0, 113, 7);
            connection.send(request(from, &token)).await;
            let status = connection.answer().await.status;
            assert!(matches!(status, 200 | 429), "{status}");
            assert!(status == 200 || number >= 100, "refused as number {number}");
            admitted += usize::from(status == 200);
        }
        let bound = 100 + start.elapsed().as_millis() as usize / 600;
        assert!(admitted <= bound, "{admitted} > {bound}");
        assert!(!is_over.get(), "there was no flood");
    };
    let start = Instant::now();
    join(flood, customer).await;
    let grown = resident(shop.child.id()).saturating_sub(attacked.before);
    println!("{} MiB more after {:.0?}", grown / MIB, start.elapsed());
    attacked.assert_well("strangers", GROWTH_BY_STRANGERS).await;
}

#[derive(serde::Deserialize, garde::Validate)]
struct List {
    #[garde(dive)]
    list: Vec<Entry>,
}

#[derive(serde::Deserialize, garde::Validate)]
struct Entry {
    #[garde(range(min = 1))]
    n: u8,
}

#[secured(public, rate = "10000/s", max_body = "1MB")]
#[post("/list")]
async fn take_list(list: web::Json<List>) -> impl Responder {
    list.list
        .iter()
        .map(|entry| u64::from(entry.n))
        .sum::<u64>()
        .to_string()
}

/// What is wrong with an input is told in bounded space and time, however much is wrong.
#[actix_web::test]
async fn hostile_json_is_refused_in_bounded_time() {
    let service = Service::start(|routes: &mut Routes| {
        routes.service(take_list);
    })
    .await;
    let many = vec![r#"{"n":0}"#; 100_000].join(",");
    let unknown: String = (0..50_000).map(|i| format!(",\"k{i}\":1")).collect();
    for (body, status) in [
        (format!(r#"{{"list":[{many}]}}"#), 422),
        (format!(r#"{{"list":[]{unknown}}}"#), 422),
        (format!(r#"{{"list":[{{"n":1{unknown}}}]}}"#), 422),
        ("[".repeat(900_000), 400),
        (format!(r#"{{"list":{}"#, "[".repeat(900_000)), 400),
        (
            format!(
                r#"{{"list":{}1{}}}"#,
                "[".repeat(400_000),
                "]".repeat(400_000)
            ),
            400,
        ),
        (r#"{"a":"#.repeat(180_000), 400),
        (
            format!(r#"{{"list":[{{"n":{}}}]}}"#, "9".repeat(900_000)),
            400,
        ),
        (format!(r#"{{"{}":1}}"#, "k".repeat(900_000)), 422),
        (
            format!(
                r#"{{"list":[{{"n":1,"{}":1}}]}}"#,
                r"\u0000".repeat(150_000)
            ),
            422,
        ),
    ] {
        let mut connection: Connection = service.connect().await;
        let start = Instant::now();
        let length = body.len();
        connection
            .send(format!("POST /list HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"))
            .await;
        let answer = soon("answer", connection.answer()).await;
        let begin = body.get(..40).unwrap_or(&body);
        assert!(
            answer.status == status || answer.status == 400,
            "{begin}: {answer:?}"
        );
        assert!(
            answer.body.len() < 32 * 1024,
            "{begin}: {} bytes",
            answer.body.len()
        );
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "{begin}: {:?}",
            start.elapsed()
        );
    }
    service.stop().await;
}

/// Fields that cost a byte each on the wire, because they repeat an entry of the table.
#[actix_web::test]
async fn over_http2_a_large_head_is_431() {
    let service = Service::start(|routes: &mut Routes| {
        routes.service(take_list);
    })
    .await;
    let mut client = service.h2().await;
    for (fields, length, status) in [
        (200, 10, 404),
        (257, 1, 431),
        (5000, 1, 431),
        (40, 4000, 431),
        (1, 200_000, 431),
    ] {
        let mut request = http::Request::get("https://localhost/nowhere");
        for _ in 0..fields {
            request = request.header("x", "y".repeat(length));
        }
        let (answer, _) = client
            .send_request(request.body(()).unwrap(), true)
            .unwrap();
        let answer = soon("answer", answer).await.unwrap();
        assert_eq!(answer.status(), status, "{fields} {length}");
        assert_eq!(answer.headers()["cache-control"], "no-store");
    }
    service.stop().await;
}

#[secured(public, rate = "10000/s")]
#[get("/open")]
async fn open() -> impl Responder {
    "open"
}

#[secured(public, rate = "10000/s")]
#[get("/names/{name}")]
async fn name_length(name: web::Path<String>) -> impl Responder {
    name.len().to_string()
}

/// The target is a part of the head, and the longest one: over HTTP/2 it has no bound but 16 MiB.
/// Beyond 64 KiB `http` and the router count its bytes modulo that, so that another route answers
/// than the one that was asked for, and a handler gets a part of a segment.
#[actix_web::test]
async fn over_http2_a_long_path_is_431() {
    let service = Service::start(|routes: &mut Routes| {
        routes.service(open).service(name_length);
    })
    .await;
    let mut client = service.h2().await;
    let mut answers = Vec::new();
    for (what, path) in [
        ("another route", format!("/open{}?", "x".repeat(1 << 16))),
        (
            "a part of a segment",
            format!("/names/{}", "x".repeat((1 << 16) + 3)),
        ),
        ("200 KB", format!("/{}", "x".repeat(200_000))),
        ("8 MB", format!("/{}", "x".repeat(8_000_000))),
    ] {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(http::uri::Scheme::HTTPS);
        parts.authority = Some("localhost".parse().unwrap());
        parts.path_and_query = Some(path.as_str().try_into().unwrap());
        let mut request = http::Request::new(());
        *request.uri_mut() = http::Uri::from_parts(parts).unwrap();
        let (answer, _) = client.send_request(request, true).unwrap();
        let status = match soon("answer", answer).await {
            Ok(answer) => {
                let status = answer.status().as_u16();
                let mut body = answer.into_body();
                let told = soon("body", body.data()).await.transpose().unwrap();
                let told = told.unwrap_or_default();
                format!(
                    "{status} {}",
                    String::from_utf8_lossy(&told[..told.len().min(9)])
                )
            }
            Err(error) => error.to_string(),
        };
        answers.push((what, status));
    }
    let refused = |(_, status): &(_, String)| status.starts_with("431");
    assert!(answers.iter().all(refused), "{answers:#?}");
    service.stop().await;
}
