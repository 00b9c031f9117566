//! Routes that ask for no credentials: `cargo run --example public`.

use actix_web::{Responder, get};
use secure_runtime::{Principal, Refusal, Routes, secured, testing::TestService};

/// The reason stands in `policy.lock`, where reviewers see it.
#[secured(
    public = "load balancers ask without credentials",
    rate = "50/s per route"
)]
#[get("/health")]
async fn health() -> impl Responder {
    "open"
}

/// Nobody has to say who he is, and who does is known.
#[secured(public)]
#[get("/")]
async fn welcome(caller: Option<Principal>) -> impl Responder {
    match caller {
        None => "welcome, stranger".to_owned(),
        Some(caller) => format!("welcome, {}", caller.subject()),
    }
}

fn routes(routes: &mut Routes) {
    routes.service(health).service(welcome);
}

#[actix_web::main]
async fn main() {
    let service = TestService::new(routes).await;
    assert_eq!(service.get("/health").send().await.text(), "open");
    assert_eq!(service.get("/").send().await.text(), "welcome, stranger");
    let ann = service.get("/").subject("ann");
    assert_eq!(ann.send().await.text(), "welcome, ann");

    // Credentials that are wrong are refused here too: their sender believes to be known.
    let wrong = service.get("/").bearer("not.a.token");
    wrong
        .send()
        .await
        .assert_refused(Refusal::CredentialsInvalid);
}
