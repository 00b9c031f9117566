//! Names that could meet those in the expansion.

use actix_web::{Responder, get, http::Method, web};
use secure_runtime::{Routes, secured};

#[secured]
#[get("/admitted")]
async fn admitted() -> impl Responder {
    "admitted"
}

#[secured]
#[get("/call")]
async fn call() -> impl Responder {
    "call"
}

#[secured]
#[get("/handler")]
async fn handler() -> impl Responder {
    "handler"
}

#[secured]
#[get("/outcome")]
async fn outcome() -> impl Responder {
    "outcome"
}

#[secured]
async fn output() -> impl Responder {
    "output"
}

#[secured]
async fn policy() -> impl Responder {
    "policy"
}

#[secured]
async fn secured_handler() -> impl Responder {
    "secured_handler"
}

/// A parameter with the handler's own name.
#[secured]
#[get("/itself/{itself}")]
async fn itself(itself: web::Path<u8>) -> impl Responder {
    itself.to_string()
}

#[secured(allow = *bare_itself == 7)]
async fn bare_itself(bare_itself: web::Path<u8>) -> impl Responder {
    bare_itself.to_string()
}

/// Parameters named like other handlers, which are unit structs below a route macro.
#[secured(allow = *call < 9)]
#[get("/others/{call}")]
async fn others(call: web::Path<u8>, handler: web::Query<Page>) -> impl Responder {
    (*call + handler.page).to_string()
}

#[derive(serde::Deserialize, garde::Validate)]
struct Page {
    #[garde(skip)]
    page: u8,
}

#[secured(allow = *r#type == 7)]
#[get("/raw/{type}")]
async fn r#fn(r#type: web::Path<u8>) -> impl Responder {
    r#type.to_string()
}

#[secured]
async fn r#match() -> impl Responder {
    "match"
}

fn routes(routes: &mut Routes) {
    routes
        .service(admitted)
        .service(call)
        .service(handler)
        .service(outcome)
        .service(itself)
        .service(others)
        .service(r#fn)
        .route("/output", Method::GET, output)
        .route("/policy", Method::GET, policy)
        .route("/secured_handler", Method::GET, secured_handler)
        .route("/bare-itself/{it}", Method::GET, bare_itself)
        .route("/match", Method::GET, r#match);
}

#[actix_web::test]
async fn no_name_is_taken_for_another() {
    for name in [
        "admitted",
        "call",
        "handler",
        "outcome",
        "output",
        "policy",
        "secured_handler",
        "match",
    ] {
        assert_eq!(
            super::told(routes, Method::GET, &format!("/{name}")).await,
            name
        );
    }
    for path in ["/itself/7", "/bare-itself/7", "/others/4?page=3", "/raw/7"] {
        assert_eq!(super::told(routes, Method::GET, path).await, "7", "{path}");
    }
}
