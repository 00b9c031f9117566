//! `login` over parameters of every shape, and beside other keys.

use actix_web::{HttpResponse, Responder, post, web};
use secure_runtime::{Logins, Principal, Routes, secured, testing::TestService};

#[derive(serde::Deserialize, garde::Validate)]
#[garde(allow_unvalidated)]
struct Form {
    name: String,
    password: String,
}

async fn stored_name(form: &Form) -> String {
    form.name.to_owned()
}

/// A field is borrowed: the handler owns the form.
#[secured(public, login(account = form.name, attempts = "5/15min", password = form.password))]
#[post("/field")]
async fn field(form: web::Form<Form>) -> impl Responder {
    form.into_inner().name
}

/// A reference, and a parameter that the handler does not use.
#[secured(public, login(lock = "1h", account = &form.name, attempts = "100/day",))]
#[post("/reference")]
async fn reference(form: web::Form<Form>) -> impl Responder {
    "no"
}

/// What is computed, even with `await`; `mut`; a capture in a string.
#[secured(
    public,
    allow = form.name != "root",
    login(account = stored_name(&form).await, attempts = "5/15min", password = format!("{}{id}", form.password))
)]
#[post("/computed/{id}")]
async fn computed(
    mut form: web::Form<Form>,
    id: web::Path<u32>,
    _logins: Logins,
) -> impl Responder {
    form.name.push('!');
    form.into_inner().name
}

/// A caller who proves once more who he is.
#[secured(rate = ["100/min", "20/min per ip"], login(account = caller.subject(), attempts = "3/h"))]
#[post("/again")]
async fn again(caller: Principal) -> HttpResponse {
    HttpResponse::Ok().body(caller.subject().to_owned())
}

/// Without a route macro.
#[secured(public, login(account = name, attempts = "5/15min"))]
async fn plain(name: String) -> impl Responder {
    name
}

fn routes(routes: &mut Routes) {
    routes
        .service(field)
        .service(reference)
        .service(computed)
        .service(again)
        .route("/plain", actix_web::http::Method::POST, plain);
}

#[actix_web::test]
async fn each_answers() {
    let service = TestService::new(routes).await;
    let form = "application/x-www-form-urlencoded";
    for (path, expected) in [
        ("/field", "ann"),
        ("/reference", "no"),
        ("/computed/1", "ann!"),
        ("/again", "somebody"),
    ] {
        let call = service.post(path).subject("somebody");
        let answer = call.body(form, "name=ann&password=x").send().await;
        assert_eq!(answer.text(), expected, "{path}");
        assert!(answer.header("set-cookie").is_some(), "{path}");
    }
    let call = service.post("/plain").body("text/plain", "ann");
    assert_eq!(call.send().await.text(), "ann");
}
