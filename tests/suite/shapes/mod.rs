//! Where the attribute can stand.

mod mark;
mod shield;

use std::net::{Ipv4Addr, SocketAddr};

use actix_http::Request;
use actix_service::IntoServiceFactory;
use actix_web::{
    App, Error, HttpResponse, Responder,
    body::{self, BoxBody, MessageBody},
    dev::{
        AppConfig, AppService, HttpServiceFactory, ResourceDef, Service, ServiceFactory,
        ServiceRequest, ServiceResponse, fn_service,
    },
    error::ErrorImATeapot,
    get,
    http::{Method, header},
    middleware, route, routes, test, web,
};
use secure_runtime::{
    Principal, Refusal, Routes, Security, Settings, secured,
    settings::Transport,
    testing::{TestResponse, TestService},
};

#[secured(role = "admin")]
#[get("/above")]
async fn above() -> impl Responder {
    "above"
}

#[get("/below")]
#[secured(role = "admin")]
async fn below() -> impl Responder {
    "below"
}

#[secured(role = "admin")]
#[routes]
#[get("/many")]
#[get("/several/{id}")]
#[post("/many")]
async fn many(caller: Principal) -> impl Responder {
    caller.subject().to_owned()
}

#[secured(role = "admin")]
#[route("/route", method = "GET", method = "PUT")]
async fn several_methods() -> Result<&'static str, Error> {
    Ok("route")
}

#[secured(role = "admin")]
async fn bare() -> Result<impl Responder, Error> {
    Ok("bare")
}

#[secured(public, rate = "1000/s")]
#[get("/cached")]
async fn cached() -> impl Responder {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "max-age=60"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'self'"))
        .insert_header((header::STRICT_TRANSPORT_SECURITY, "max-age=1"))
        .body("cached")
}

#[secured(public, rate = "1000/s")]
#[get("/failing")]
async fn teapot() -> Result<HttpResponse, Error> {
    Err(ErrorImATeapot("I am a teapot"))
}

fn all_shapes(routes: &mut Routes) {
    routes
        .service(above)
        .service(many)
        .service(several_methods)
        .service(cached)
        .service(teapot)
        .route("/bare", Method::GET, bare)
        .scope("/outer", |outer| {
            outer.service(above).scope("/inner", |inner| {
                inner.service(many).route("/bare", Method::POST, bare);
            });
        });
}

const GUARDED: [(Method, &str); 12] = [
    (Method::GET, "/above"),
    (Method::GET, "/many"),
    (Method::POST, "/many"),
    (Method::GET, "/several/7"),
    (Method::GET, "/route"),
    (Method::PUT, "/route"),
    (Method::GET, "/bare"),
    (Method::GET, "/outer/above"),
    (Method::GET, "/outer/inner/many"),
    (Method::POST, "/outer/inner/many"),
    (Method::GET, "/outer/inner/several/7"),
    (Method::POST, "/outer/inner/bare"),
];

async fn assert_guarded(service: &TestService, routes: &[(Method, &str)]) {
    for (method, path) in routes {
        let call = || service.call(method.clone(), path);
        let nobody = call().send().await;
        nobody.assert_refused(Refusal::CredentialsMissing);
        let customer = call().role("customer").send().await;
        customer.assert_refused(Refusal::RoleMissing);
        let admin = call().role("admin").send().await;
        assert_eq!(admin.status(), 200, "{method} {path}: {}", admin.text());
        assert_fields(&admin, "no-store");
    }
}

/// T5: what every answer carries.
pub(crate) fn assert_fields(response: &TestResponse, cache_control: &str) {
    for (name, value) in [
        ("cache-control", cache_control),
        (
            "content-security-policy",
            "default-src 'none'; frame-ancestors 'none'",
        ),
        ("cross-origin-resource-policy", "same-origin"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
    ] {
        assert_eq!(response.headers().get_all(name).count(), 1, "{name}");
        assert_eq!(response.header(name), Some(value), "{name}");
    }
    // Where HTML is possible: what has no type is whatever a browser takes it for.
    let may_be_document = !matches!(
        response.header("content-type"),
        Some("application/json" | "application/problem+json" | "text/plain; charset=utf-8")
    );
    let permissions = response.header("permissions-policy");
    assert_eq!(permissions.is_some(), may_be_document, "{permissions:?}");
    assert_eq!(response.header("server"), None);
    assert_eq!(response.header("x-powered-by"), None);
    assert_eq!(response.header("strict-transport-security"), None);
}

#[actix_web::test]
async fn every_place_of_the_attribute_guards() {
    assert_guarded(&TestService::new(all_shapes).await, &GUARDED).await;
}

#[actix_web::test]
async fn handlers_mounted_by_actix_itself_are_guarded_too() {
    // Without `Routes` there is no compile-time proof, and still every check.
    let service = TestService::of_app(
        |security| security,
        |security| {
            App::new()
                .configure(security.routes(|_| ()))
                .service(above)
                .service(below)
                .service(web::scope("/scope").service(below).service(many))
                .service(web::resource("/resource").route(web::get().to(bare)))
                .route("/route", web::post().to(bare))
                .wrap(security.shield())
        },
    )
    .await;
    let routes = [
        (Method::GET, "/above"),
        (Method::GET, "/below"),
        (Method::GET, "/scope/below"),
        (Method::POST, "/scope/many"),
        (Method::GET, "/resource"),
        (Method::POST, "/route"),
    ];
    assert_guarded(&service, &routes).await;
}

#[actix_web::test]
async fn h19_an_app_without_security_refuses_every_request() {
    let app = test::init_service(
        App::new()
            .service(above)
            .service(below)
            .service(cached)
            .route("/bare", web::get().to(bare)),
    )
    .await;
    for path in ["/above", "/below", "/cached", "/bare"] {
        let response =
            test::call_service(&app, test::TestRequest::get().uri(path).to_request()).await;
        assert_eq!(response.status(), 500, "{path}");
        let body = test::read_body(response).await;
        assert!(body.starts_with(b"{\"type\":\"about:blank\""), "{body:?}");
    }
}

#[actix_web::test]
async fn an_app_without_the_shield_still_refuses_at_each_handler() {
    let service = TestService::of_app(
        |security| security,
        |security| App::new().configure(security.routes(all_shapes)),
    )
    .await;
    let response = service.get("/above").send().await;
    response.assert_refused(Refusal::CredentialsMissing);
    assert_eq!(response.header("cache-control"), Some("no-store"));
}
