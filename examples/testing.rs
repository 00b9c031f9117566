//! How to test policies of your own: `cargo run --example testing`.

use std::time::Duration;

use actix_web::{Responder, get};
use secure_runtime::{
    Change, Manifest, Refusal, Routes, secured,
    testing::{TestService, assert_policy_lock},
};

#[secured(role = "support")]
#[get("/report")]
async fn report() -> impl Responder {
    "all is well"
}

fn routes(routes: &mut Routes) {
    routes.service(report);
}

#[actix_web::main]
async fn main() {
    // One test for the whole service. `UPDATE_POLICY=1` writes the file; review its diff.
    assert_policy_lock(concat!(env!("CARGO_MANIFEST_DIR"), "/testing.lock"), routes);

    // What such a test says when somebody weakens a route.
    let lock = Manifest::of(routes).lock();
    let stricter = lock.replace(r#""support" | "admin""#, r#""admin""#);
    let differences = Manifest::of(routes).differences(&stricter);
    assert!(
        differences
            .iter()
            .all(|found| found.change == Change::Weakened)
    );

    // A service without a network, under a clock that stands still until it is moved.
    let service = TestService::new(routes).await;
    let token = service.tokens().token("ann").role("admin");
    let call = || service.get("/report").bearer(token.sign());
    assert_eq!(call().send().await.text(), "all is well");
    service.advance(Duration::from_secs(5 * 60 + 59));
    assert_eq!(call().send().await.status(), 200); // five minutes, and a minute of leeway
    service.advance(Duration::from_secs(1));
    call()
        .send()
        .await
        .assert_refused(Refusal::CredentialsInvalid);

    // Any claim can be wrong.
    let call = service
        .get("/report")
        .role("admin")
        .claim("aud", "another.service");
    call.send()
        .await
        .assert_refused(Refusal::CredentialsInvalid);
}
