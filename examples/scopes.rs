//! OAuth scopes: what the client may do for the caller: `cargo run --example scopes`.

use actix_web::{Responder, get, post};
use secure_runtime::{Refusal, Routes, secured, testing::TestService};

#[secured(scope = any("orders:read", "orders:write"))]
#[get("/orders")]
async fn orders() -> impl Responder {
    "none yet"
}

#[secured(scope = all("orders:read", "items:write"))]
#[get("/stock")]
async fn stock() -> impl Responder {
    "enough"
}

/// A role says who the caller is, a scope what he let the client do: both are needed here.
#[secured(role = "customer", scope = "orders:write")]
#[post("/orders")]
async fn place_order() -> impl Responder {
    "placed"
}

fn routes(routes: &mut Routes) {
    routes.service(orders).service(stock).service(place_order);
}

#[actix_web::main]
async fn main() {
    let service = TestService::new(routes).await;
    let call = service.get("/orders").scope("orders:read");
    assert_eq!(call.send().await.text(), "none yet");
    let call = service.get("/stock").scope("orders:read");
    call.send().await.assert_refused(Refusal::ScopeMissing);
    let call = service
        .get("/stock")
        .scope("orders:read")
        .scope("items:write");
    assert_eq!(call.send().await.text(), "enough");

    let call = service
        .post("/orders")
        .role("customer")
        .scope("orders:read");
    let answer = call.send().await;
    answer.assert_refused(Refusal::ScopeMissing);
    // The client learns which scope to ask its user for (RFC 6750).
    let challenge = answer.header("www-authenticate").unwrap_or_default();
    assert!(challenge.contains("scope=\"orders:write\""), "{challenge}");

    let call = service
        .post("/orders")
        .role("customer")
        .scope("orders:write");
    assert_eq!(call.send().await.text(), "placed");
}
