//! The same handler where nothing is asked of revocations, where this crate asks, and where it is done
//! by hand.

use actix_web::{HttpResponse, Responder, get, web};
use redis::{aio::MultiplexedConnection, cmd};
use secure_runtime::{Principal, Refusal, Rejection, Routes, secured};

pub(crate) fn routes(routes: &mut Routes) {
    routes.service(off).service(on).service(exists);
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
