//! Every route macro of actix-web that names a method.

use actix_web::{
    Responder, connect, delete, get, head, http::Method, options, patch, post, put, trace,
};
use secure_runtime::{Routes, secured};

#[secured]
#[connect("/connect")]
async fn on_connect() -> impl Responder {
    "connect"
}

#[secured]
#[delete("/delete")]
async fn on_delete() -> impl Responder {
    "delete"
}

#[secured]
#[get("/get")]
async fn on_get() -> impl Responder {
    "get"
}

#[secured]
#[head("/head")]
async fn on_head() -> impl Responder {
    ""
}

#[secured]
#[options("/options")]
async fn on_options() -> impl Responder {
    "options"
}

#[secured]
#[patch("/patch")]
async fn on_patch() -> impl Responder {
    "patch"
}

#[secured]
#[post("/post")]
async fn on_post() -> impl Responder {
    "post"
}

#[secured]
#[put("/put")]
async fn on_put() -> impl Responder {
    "put"
}

#[secured]
#[trace("/trace")]
async fn on_trace() -> impl Responder {
    "trace"
}

fn routes(routes: &mut Routes) {
    routes
        .service(on_connect)
        .service(on_delete)
        .service(on_get)
        .service(on_head)
        .service(on_options)
        .service(on_patch)
        .service(on_post)
        .service(on_put)
        .service(on_trace);
}

#[actix_web::test]
async fn every_method_is_recorded_and_answers() {
    let methods = [
        "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE",
    ];
    let expected = methods.map(|method| format!("{method} /{}", method.to_lowercase()));
    assert_eq!(super::recorded(routes), expected);
    for method in methods {
        if method == "HEAD" {
            continue;
        }
        let parsed: Method = method.parse().expect("a method");
        let name = method.to_lowercase();
        assert_eq!(super::told(routes, parsed, &format!("/{name}")).await, name);
    }
}
