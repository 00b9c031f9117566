//! The same checks by this crate.

use actix_web::{HttpResponse, Responder, get, post, web};
use secure_runtime::{Routes, secured};

use super::item::NewItem;

/// What needs no Redis.
pub fn routes(routes: &mut Routes) {
    routes.service(read).service(write).service(rare);
}

/// What shares its quotas and revocations in Redis.
#[cfg(feature = "redis")]
pub fn shared_routes(routes: &mut Routes) {
    routes.service(read_shared);
}

#[secured(role = "customer", rate = "1000000/s per ip")]
#[get("/items")]
async fn read() -> impl Responder {
    "ok"
}

#[secured(role = "customer", rate = "1000000/s per ip", max_body = "4KB")]
#[post("/items")]
pub(crate) async fn write(_item: web::Json<NewItem>) -> impl Responder {
    HttpResponse::Ok().body("ok")
}

/// Used up after the first.
#[secured(public, rate = "1/day per ip")]
#[get("/rare")]
async fn rare() -> impl Responder {
    "ok"
}

#[cfg(feature = "redis")]
#[secured(
    role = "customer",
    revocation = "2s",
    rate = "1000000/s per ip burst 100000 leased"
)]
#[get("/items")]
pub(crate) async fn read_shared() -> impl Responder {
    "ok"
}
