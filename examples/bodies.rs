//! Decoded and validated input: `cargo run --example bodies`; files and bytes: `uploads`.

use actix_web::{Responder, get, post, web};
use secure_runtime::{Refusal, Routes, secured, testing::TestService};

#[derive(serde::Deserialize, garde::Validate)]
struct Item {
    #[garde(length(min = 1, max = 20))]
    name: String,
}

#[secured(public, max_body = "1KB", body_timeout = "5s")]
#[post("/json")]
async fn json(item: web::Json<Item>) -> impl Responder {
    item.into_inner().name
}

#[secured(public)]
#[post("/form")]
async fn form(web::Form(item): web::Form<Item>) -> impl Responder {
    item.name
}

/// Numbers, `bool`, `String` and addresses have no rules, in a path or anywhere else.
#[secured(public)]
#[get("/items/{number}")]
async fn read(number: web::Path<u8>, item: web::Query<Item>) -> impl Responder {
    format!("{number}: {}", item.name)
}

fn routes(routes: &mut Routes) {
    routes.service(json).service(form).service(read);
}

#[actix_web::main]
async fn main() {
    let service = TestService::new(routes).await;
    let answer = service.get("/items/7?name=tea").send().await;
    assert_eq!(answer.text(), "7: tea");
    let kind = "application/x-www-form-urlencoded";
    let answer = service.post("/form").body(kind, "name=tea").send().await;
    assert_eq!(answer.text(), "tea");

    let send = |body: &'static str| service.post("/json").body("application/json", body);
    assert_eq!(send(r#"{"name":"tea"}"#).send().await.text(), "tea");
    for (body, refusal) in [
        (r#"{"name":""}"#, Refusal::InputInvalid), // against a rule
        (r#"{"name":"tea","price":0}"#, Refusal::InputInvalid), // no such field
        (r#"{"name":"tea","name":"gold"}"#, Refusal::BodyMalformed), // twice
    ] {
        send(body).send().await.assert_refused(refusal);
    }
    let answer = service.post("/json").body(kind, "name=tea").send().await;
    answer.assert_refused(Refusal::ContentTypeUnsupported);
}
