//! Input without rules, marked where it is taken: `cargo run --example unvalidated`.

use actix_web::{Responder, post, web};
use secure_runtime::{Manifest, Refusal, Routes, secured, testing::TestService};
use serde::Deserialize;

/// A type of somebody else's, for which no rules can be derived.
#[derive(Deserialize)]
struct Hook {
    event: String,
}

/// Without `#[unvalidated]` this does not compile. It is still decoded strictly.
#[secured(public, max_body = "4KB")]
#[post("/hook")]
async fn hook(#[unvalidated] hook: web::Json<Hook>) -> impl Responder {
    hook.into_inner().event
}

fn routes(routes: &mut Routes) {
    routes.service(hook);
}

#[actix_web::main]
async fn main() {
    let service = TestService::new(routes).await;
    let call = service
        .post("/hook")
        .body("application/json", r#"{"event":"paid"}"#);
    assert_eq!(call.send().await.text(), "paid");
    let call = service
        .post("/hook")
        .body("application/json", r#"{"event":"paid","x":1}"#);
    call.send().await.assert_refused(Refusal::InputInvalid);

    // Reviewers see it in the lock file.
    let lock = Manifest::of(routes).lock();
    assert!(lock.contains("  unvalidated   hook\n"), "{lock}");
}
