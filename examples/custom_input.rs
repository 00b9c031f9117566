//! Parameters of types of your own: `cargo run --example custom_input`.

use actix_web::{FromRequest, HttpRequest, Responder, dev::Payload, error, get};
use secure_runtime::{
    Admitted, Extracted, Input, InputKind, Refusal, Rejection, Routes, secured,
    testing::TestService,
};
use std::future::{Ready, ready};

/// A tenant: taken from the verified token, not from anything that a client can choose.
struct Tenant(String);

impl Input for Tenant {
    /// It exists only where there is a caller: on a public handler it does not compile.
    const KIND: InputKind = InputKind::Caller;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        let refuse = || Rejection::new(Refusal::Forbidden, "the token has no `tenant`");
        let claims: serde_json::Value = admitted.principal().ok_or_else(refuse)?.claims()?;
        let tenant = claims.get("tenant").and_then(|tenant| tenant.as_str());
        tenant.map(|name| Self(name.to_owned())).ok_or_else(refuse)
    }
}

/// An extractor of actix-web that you have already. It sees the head of the request only.
struct Language(String);

impl FromRequest for Language {
    type Error = error::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let value = request.headers().get("accept-language");
        let text = value.and_then(|value| value.to_str().ok().map(str::to_owned));
        ready(text.map(Self).ok_or(error::ErrorBadRequest("")))
    }
}

#[secured]
#[get("/greeting")]
async fn greeting(tenant: Tenant, #[unvalidated] language: Extracted<Language>) -> impl Responder {
    format!("{} in {}", tenant.0, language.0.0)
}

#[actix_web::main]
async fn main() {
    let service = TestService::new(|routes: &mut Routes| {
        routes.service(greeting);
    });
    let service = service.await;
    let call = || service.get("/greeting").header("accept-language", "sw");
    let answer = call().claim("tenant", "acme").send().await;
    assert_eq!(answer.text(), "acme in sw");
    let answer = call().subject("ann").send().await;
    answer.assert_refused(Refusal::Forbidden);
    let answer = service
        .get("/greeting")
        .claim("tenant", "acme")
        .send()
        .await;
    answer.assert_refused(Refusal::HeadMalformed);
}
