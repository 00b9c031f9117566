//! What handlers take, and how they name it.

use actix_web::{
    HttpRequest, Responder, get,
    http::{Method, header},
    post, web,
};
use secure_runtime::{Claims, Principal, Routes, secured};
use serde::Deserialize;

#[derive(Deserialize, garde::Validate)]
struct Page {
    #[serde(default)]
    #[garde(range(max = 100))]
    number: u32,
}

#[derive(Deserialize)]
struct Unruly {
    number: u32,
}

/// Types under other names: nothing is recognised by how it is spelt.
type Number = web::Path<u32>;
type Body<T> = web::Json<T>;
type Caller = Principal;

#[secured]
#[get("/apart/{a}/{b}")]
async fn apart(
    path: web::Path<(u32, u32)>,
    web::Query(Page { number }): web::Query<Page>,
    _: HttpRequest,
) -> impl Responder {
    let (a, b) = path.into_inner();
    (a + b + number).to_string()
}

#[secured]
#[get("/mutable/{number}")]
async fn mutable(mut number: web::Path<u32>) -> impl Responder {
    *number += 1;
    number.to_string()
}

#[secured]
#[post("/aliased/{number}")]
async fn aliased(caller: Caller, number: Number, body: Body<Page>) -> impl Responder {
    format!("{} {} {}", caller.subject(), number, body.number)
}

#[secured]
#[post("/unvalidated")]
async fn unvalidated(#[unvalidated] web::Json(body): web::Json<Unruly>) -> impl Responder {
    body.number.to_string()
}

#[secured(public)]
#[get("/optional")]
async fn optional(caller: Option<Principal>, page: Option<web::Query<Page>>) -> impl Responder {
    format!("{} {}", caller.is_some(), page.is_some())
}

#[derive(Deserialize)]
struct Sub {
    sub: String,
}

#[allow(clippy::too_many_arguments, reason = "more than actix-web's own limit")]
#[secured]
#[get("/many/{number}")]
async fn many(
    a: Principal,
    b: Number,
    c: HttpRequest,
    d: web::Query<Page>,
    e: Claims<Sub>,
    f: Option<web::Header<header::ContentLength>>,
    g: Number,
    h: Number,
    i: Number,
    j: Number,
    k: Number,
    l: Number,
    m: Number,
    n: Number,
    o: Number,
    p: Number,
    q: Number,
    r: Number,
    s: Number,
    t: web::Bytes,
) -> impl Responder {
    let numbers = [b, g, h, i, j, k, l, m, n, o, p, q, r, s];
    let sum: u32 = numbers.iter().map(|number| **number).sum();
    let first = a.subject() == e.0.sub && c.path().len() > 1;
    format!("{first} {sum} {} {} {}", d.number, f.is_some(), t.len())
}

fn routes(routes: &mut Routes) {
    routes
        .service(apart)
        .service(mutable)
        .service(aliased)
        .service(unvalidated)
        .service(optional)
        .service(many);
}

#[actix_web::test]
async fn every_parameter_arrives() {
    for (path, text) in [
        ("/apart/1/2?number=3", "6"),
        ("/mutable/1", "2"),
        ("/optional?number=1", "true true"),
        ("/many/2?number=3", "true 28 3 false 0"),
    ] {
        assert_eq!(super::told(routes, Method::GET, path).await, text, "{path}");
    }
    let service = secure_runtime::testing::TestService::new(routes).await;
    let body = serde_json::json!({ "number": 7 });
    let call = service.post("/aliased/1").subject("ada").json(&body);
    assert_eq!(call.send().await.text(), "ada 1 7");
    let call = service.post("/unvalidated").subject("ada").json(&body);
    assert_eq!(call.send().await.text(), "7");
}
