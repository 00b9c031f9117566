//! Roles, and roles that include others: `cargo run --example roles`.
//!
//! `policy.toml` says that `admin` includes `support` and `support` includes `customer`. Roles that do
//! not include each other are put together as `any(..)` and `all(..)`, like the scopes of `scopes.rs`.

use actix_web::{Responder, get};
use secure_runtime::{Refusal, Routes, secured, testing::TestService};

/// Any caller with a valid token.
#[secured]
#[get("/me")]
async fn me() -> impl Responder {
    "somebody"
}

/// Support, and admin, who includes it.
#[secured(role = "support")]
#[get("/tickets")]
async fn tickets() -> impl Responder {
    "none today"
}

fn routes(routes: &mut Routes) {
    routes.service(me).service(tickets);
}

#[actix_web::main]
async fn main() {
    let service = TestService::new(routes).await;
    let call = service.get("/me");
    call.send()
        .await
        .assert_refused(Refusal::CredentialsMissing);
    let call = service.get("/me").subject("ann");
    assert_eq!(call.send().await.status(), 200);

    let call = service.get("/tickets").role("customer");
    call.send().await.assert_refused(Refusal::RoleMissing);
    for role in ["support", "admin"] {
        let call = service.get("/tickets").role(role);
        assert_eq!(call.send().await.status(), 200, "{role}");
    }
}
