//! The same checks by this crate.

use actix_web::{HttpResponse, Responder, get, post, web};
use redis::{aio::MultiplexedConnection, cmd};
use secure_runtime::{Principal, Refusal, Rejection, Routes, secured};

use crate::{item::NewItem, limited};

pub(crate) fn routes(routes: &mut Routes) {
    routes.service(read).service(write).service(rare);
}

/// What needs a Redis.
pub(crate) fn shared_routes(routes: &mut Routes) {
    routes
        .service(read_shared)
        .service(off)
        .service(on)
        .service(exists);
    limited::routes(routes);
}

#[secured(role = "customer", rate = "1000000/s per ip")]
#[get("/items")]
async fn read() -> impl Responder {
    "ok"
}

#[secured(role = "customer", rate = "1000000/s per ip", max_body = "4KB")]
#[post("/items")]
async fn write(_item: web::Json<NewItem>) -> impl Responder {
    HttpResponse::Ok().body("ok")
}

/// Used up after the first.
#[secured(public, rate = "1/day per ip")]
#[get("/rare")]
async fn rare() -> impl Responder {
    "ok"
}

#[secured(
    role = "customer",
    revocation = "2s",
    rate = "1000000/s per ip burst 100000 leased"
)]
#[get("/items")]
async fn read_shared() -> impl Responder {
    "ok"
}

#[secured(
    revocation(off = "what the others are compared with"),
    rate = "1000000/s local"
)]
#[get("/off")]
async fn off() -> impl Responder {
    "ok"
}

#[secured(revocation = "2s", rate = "1000000/s local")]
#[get("/on")]
async fn on() -> impl Responder {
    "ok"
}

/// As one writes it without this crate: a question for each request, over one connection.
#[secured(revocation(off = "done by hand"), rate = "1000000/s local")]
#[get("/exists")]
async fn exists(
    caller: Principal,
    redis: web::Data<MultiplexedConnection>,
) -> std::result::Result<HttpResponse, Rejection> {
    let key = format!("revoked:{}:{}", caller.issuer(), caller.token_id());
    let mut redis = MultiplexedConnection::clone(&redis);
    let asked = cmd("EXISTS").arg(key).query_async::<bool>(&mut redis).await;
    match asked {
        Ok(false) => Ok(HttpResponse::Ok().body("ok")),
        Ok(true) => Err(Rejection::new(Refusal::CredentialsRevoked, "by hand")),
        Err(_) => Err(Rejection::new(Refusal::Undecided, "by hand")),
    }
}
