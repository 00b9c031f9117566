//! A recent authentication for what matters: `cargo run --example step_up`.

use std::time::Duration;

use actix_web::{Responder, delete};
use secure_runtime::{Refusal, Routes, secured, testing::TestService};

#[secured(max_age = "15min")]
#[delete("/account")]
async fn close_account() -> impl Responder {
    "closed"
}

fn routes(routes: &mut Routes) {
    routes.service(close_account);
}

#[actix_web::main]
async fn main() {
    let service = TestService::new(routes).await;
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);

    let call = service.delete("/account");
    let recent = call.edit_token(|token| token.authenticated(minutes(15)));
    assert_eq!(recent.send().await.text(), "closed");

    let call = service.delete("/account");
    let old = call.edit_token(|token| token.authenticated(minutes(16)));
    let answer = old.send().await;
    answer.assert_refused(Refusal::AuthenticationTooOld);
    // What a client sends on to its authorization server (RFC 9470).
    let challenge = answer.header("www-authenticate").unwrap_or_default();
    assert!(challenge.contains("max_age=\"900\""), "{challenge}");

    // The age is counted from `auth_time`. A token that does not say it is not recent.
    let call = service.delete("/account");
    let silent = call.edit_token(|token| token.without("auth_time"));
    let answer = silent.send().await;
    answer.assert_refused(Refusal::AuthenticationTooOld);
}
