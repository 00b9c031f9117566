//! Tokens of several authorization servers: `cargo run --example several_issuers`.

use actix_web::{Responder, get};
use secure_examples::keys::DevelopmentKey;
use secure_runtime::{
    Clock, Principal, Refusal, Routes, secured,
    testing::{TestService, Tokens},
};
use serde_json::json;

/// A subject names somebody within one issuer: `identity` is unique among all of them.
#[secured(role = "customer")]
#[get("/me")]
async fn me(caller: Principal) -> impl Responder {
    format!("{} of {}", caller.subject(), caller.issuer())
}

fn routes(routes: &mut Routes) {
    routes.service(me);
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let key = DevelopmentKey::generate()?;
    let (clock, _) = Clock::manual(); // it stands where the service's clock begins
    let name = "https://partner.example";
    let partner = Tokens::with_key(name, "service.test", &key.private, &key.public, &clock);

    // Each issuer has keys of its own, and puts roles where it likes.
    let issuer = partner.issuer().roles_from("realm_access.roles");
    let service = TestService::with(routes, |security| security.issuer(issuer)).await;

    let ann = service.get("/me").subject("ann").role("customer");
    assert_eq!(ann.send().await.text(), "ann of https://issuer.test");

    let access = json!({ "roles": ["customer"] });
    let ann = partner.token("ann").claim("realm_access", access);
    let call = service.get("/me").bearer(ann.sign());
    assert_eq!(call.send().await.text(), "ann of https://partner.example");

    // Where this issuer has no roles, none are found.
    let ann = partner.token("ann").role("customer");
    let call = service.get("/me").bearer(ann.sign());
    call.send().await.assert_refused(Refusal::RoleMissing);

    // One issuer cannot speak for the other: its key is not the other's.
    let forged = partner.token("ann").claim("iss", "https://issuer.test");
    let call = service.get("/me").bearer(forged.sign());
    call.send()
        .await
        .assert_refused(Refusal::CredentialsInvalid);
    Ok(())
}
