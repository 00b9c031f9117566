//! Quotas: how many, of whom, how many at once: `cargo run --example rates`.

use std::time::Duration;

use actix_web::{Responder, get, post};
use secure_runtime::{Refusal, Routes, secured, testing::TestService};

/// Two quotas `per user`: a request is charged to both or to none.
#[secured(rate = ["2/s", "3/min"])]
#[post("/orders")]
async fn place_order() -> impl Responder {
    "placed"
}

/// A name of `policy.toml`. The route is public, so it counts addresses.
#[secured(public, rate = "login")]
#[post("/login")]
async fn login() -> impl Responder {
    "not today"
}

/// All callers together, at most 10 at once.
#[secured(public, rate = "600/min per route burst 10")]
#[get("/report")]
async fn report() -> impl Responder {
    "all is well"
}

fn routes(routes: &mut Routes) {
    routes.service(place_order).service(login).service(report);
}

#[actix_web::main]
async fn main() {
    let service = TestService::new(routes).await;
    let order = |who| service.post("/orders").subject(who).send();
    for _ in 0..2 {
        assert_eq!(order("ann").await.status(), 200);
    }
    order("ann").await.assert_refused(Refusal::QuotaExceeded);
    assert_eq!(order("bob").await.status(), 200);

    // Of three a minute two are used, and one comes back every 20 seconds.
    service.advance(Duration::from_secs(1));
    assert_eq!(order("ann").await.status(), 200);
    let refused = order("ann").await;
    refused.assert_refused(Refusal::QuotaExceeded);
    let wait = refused
        .header("retry-after")
        .and_then(|text| text.parse().ok());
    service.advance(Duration::from_secs(wait.unwrap_or_default()));
    assert_eq!(order("ann").await.status(), 200);

    for _ in 0..5 {
        assert_eq!(service.post("/login").send().await.status(), 200);
    }
    let sixth = service.post("/login").send().await;
    sixth.assert_refused(Refusal::QuotaExceeded);
    assert_eq!(service.get("/report").send().await.text(), "all is well");
}
