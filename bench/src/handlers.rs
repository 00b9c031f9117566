//! The same handler under policies that demand more and more.
//!
//! No quota is ever used up, but for that of `rare`.

use actix_web::{Responder, get};
use secure_runtime::{Routes, secured};

const BODY: &str = "ok";

#[get("/bare")]
pub(crate) async fn bare() -> impl Responder {
    BODY
}

#[secured(public)]
#[get("/empty")]
pub(crate) async fn empty() -> impl Responder {
    BODY
}

#[secured(public, rate = "1000000/s per ip")]
#[get("/quota")]
pub(crate) async fn quota() -> impl Responder {
    BODY
}

#[secured]
#[get("/token")]
pub(crate) async fn token() -> impl Responder {
    BODY
}

#[secured(role = "customer")]
#[get("/role")]
pub(crate) async fn role() -> impl Responder {
    BODY
}

#[secured(role = "customer", rate = "1000000/s per user")]
#[get("/guarded")]
pub(crate) async fn guarded() -> impl Responder {
    BODY
}

#[secured(
    role = any("support", "auditor"),
    scope = all("orders:read", "orders:write"),
    max_age = "1day",
    rate = ["1000000/s per ip", "1000000/s per user", "1000000/s per route"],
)]
#[get("/full")]
pub(crate) async fn full() -> impl Responder {
    BODY
}

#[secured(public, rate = "1/day per ip")]
#[get("/rare")]
pub(crate) async fn rare() -> impl Responder {
    BODY
}

pub(crate) fn routes(routes: &mut Routes) {
    routes
        .service(empty)
        .service(quota)
        .service(token)
        .service(role)
        .service(guarded)
        .service(full)
        .service(rare);
}
