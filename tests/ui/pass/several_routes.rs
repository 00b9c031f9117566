//! One handler under several methods and paths, and in a module with a prefix.

use actix_web::{Responder, get, http::Method, route, routes, scope};
use secure_runtime::{Routes, secured};

#[secured]
#[route("/both", method = "GET", method = "POST", name = "both")]
async fn both() -> impl Responder {
    "both"
}

#[secured]
#[routes]
#[get("/one")]
#[get("/two")]
#[post("/two")]
async fn anywhere() -> impl Responder {
    "anywhere"
}

#[scope("/api")]
mod api {
    use super::{Responder, get, route, routes, secured};

    #[secured]
    #[get("/orders/{id}")]
    pub(super) async fn order() -> impl Responder {
        "order"
    }

    #[get("/below")]
    #[secured]
    pub(super) async fn below() -> impl Responder {
        "below"
    }

    #[secured]
    #[route("/several", method = "GET", method = "DELETE")]
    pub(super) async fn several() -> impl Responder {
        "several"
    }

    #[secured]
    #[routes]
    #[put("/first")]
    #[post("/second")]
    pub(super) async fn listed() -> impl Responder {
        "listed"
    }
}

fn routes(routes: &mut Routes) {
    routes.service(both).service(anywhere).service(api::order);
    routes.scope("/v1", |inner| {
        inner.service(api::several).service(api::listed);
    });
    routes.unguarded("/foreign", "registered without proof", |config| {
        config.service(api::below);
    });
}

#[actix_web::test]
async fn every_route_is_recorded_with_its_whole_path() {
    let expected = [
        "GET /api/orders/{id}",
        "GET /both",
        "POST /both",
        "GET /one",
        "GET /two",
        "POST /two",
        "PUT /v1/api/first",
        "POST /v1/api/second",
        "DELETE /v1/api/several",
        "GET /v1/api/several",
    ];
    assert_eq!(super::recorded(routes), expected);
    for (method, path, text) in [
        (Method::POST, "/both", "both"),
        (Method::POST, "/two", "anywhere"),
        (Method::GET, "/api/orders/7", "order"),
        (Method::DELETE, "/v1/api/several", "several"),
        (Method::POST, "/v1/api/second", "listed"),
        (Method::GET, "/foreign/api/below", "below"),
    ] {
        assert_eq!(super::told(routes, method, path).await, text, "{path}");
    }
}
