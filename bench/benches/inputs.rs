//! Decoding and validation, a source at a time: a whole request, with it and without it.
//!
//! `raw` reads a body of the same length and does nothing with it, so that what decoding costs is the
//! difference.

#![allow(
    clippy::expect_used,
    missing_docs,
    reason = "what cannot be set up cannot be measured; Criterion's macros write no docs"
)]

mod common;

use std::net::SocketAddr;

use actix_web::{
    App, HttpResponse, Responder, get, post,
    rt::System,
    test::{TestRequest, call_service, init_service},
    web,
};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use garde::Validate;
use secure_runtime::{Security, Settings, secured};
use serde::Deserialize;

const FIELDS: &str = "name=Espresso+machine&city=Exampletown&quantity=2&note=with+two+new+seals";
const JSON: &str =
    r#"{"name":"Espresso machine","city":"Exampletown","quantity":2,"note":"with two new seals"}"#;

#[derive(Deserialize, Validate)]
struct Item {
    #[garde(length(min = 1, max = 80))]
    name: String,
    #[garde(length(min = 1, max = 40))]
    city: String,
    #[garde(range(min = 1, max = 100))]
    quantity: u32,
    #[garde(length(max = 200))]
    note: String,
}

#[secured(public)]
#[get("/nothing")]
async fn nothing() -> impl Responder {
    HttpResponse::Ok()
}

#[secured(public)]
#[post("/raw")]
async fn raw(_body: web::Bytes) -> impl Responder {
    HttpResponse::Ok()
}

#[secured(public)]
#[post("/json")]
async fn json(_item: web::Json<Item>) -> impl Responder {
    HttpResponse::Ok()
}

#[secured(public)]
#[post("/form")]
async fn form(_item: web::Form<Item>) -> impl Responder {
    HttpResponse::Ok()
}

#[secured(public)]
#[get("/query")]
async fn query(_item: web::Query<Item>) -> impl Responder {
    HttpResponse::Ok()
}

#[secured(public)]
#[get("/path/{name}/{city}/{quantity}/{note}")]
async fn path(_item: web::Path<Item>) -> impl Responder {
    HttpResponse::Ok()
}

fn inputs(criterion: &mut Criterion) {
    let system = System::new();
    let mut settings = Settings::default();
    settings.danger.plaintext = true;
    let security = Security::builder().settings(settings).build();
    let security = security.expect("the security is configured");
    let app = App::new()
        .configure(security.routes(|routes| {
            routes.service(nothing).service(raw).service(json);
            routes.service(form).service(query).service(path);
        }))
        .wrap(security.shield());
    let app = system.block_on(init_service(app));
    let with_body = |uri: &str, kind: &str, body: &'static str| {
        let request = TestRequest::post().uri(uri);
        request
            .insert_header(("content-type", kind.to_owned()))
            .insert_header(("content-length", body.len()))
            .set_payload(body)
    };
    let in_query = format!("/query?{FIELDS}");
    let mut group = criterion.benchmark_group("inputs");
    let mut measure = |name: &str, request: &dyn Fn() -> TestRequest| {
        let request = || {
            let peer = SocketAddr::from(([203, 0, 113, 7], 50_000));
            request().peer_addr(peer).to_request()
        };
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                request,
                |request| {
                    let response = system.block_on(call_service(&app, request));
                    assert!(response.status().is_success());
                },
                BatchSize::SmallInput,
            );
        });
    };
    measure("nothing", &|| TestRequest::get().uri("/nothing"));
    measure("raw", &|| {
        with_body("/raw", "application/octet-stream", JSON)
    });
    measure("json", &|| with_body("/json", "application/json", JSON));
    let urlencoded = "application/x-www-form-urlencoded";
    measure("form", &|| with_body("/form", urlencoded, FIELDS));
    measure("query", &|| TestRequest::get().uri(&in_query));
    measure("path", &|| {
        TestRequest::get().uri("/path/Espresso%20machine/Exampletown/2/with%20seals")
    });
}

criterion_group! {
    name = benches;
    config = common::criterion();
    targets = inputs
}
criterion_main!(benches);
