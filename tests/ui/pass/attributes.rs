//! Other attributes beside `#[secured]`, above and below it.

use actix_web::{Responder, get, http::Method};
use secure_runtime::{Manifest, Routes, secured};

/// Documented above.
#[secured(public = "load balancers ask without credentials")]
/// And below.
#[get("/documented")]
async fn documented() -> impl Responder {
    "documented"
}

#[cfg(test)]
#[secured]
#[get("/switched-above")]
async fn switched() -> impl Responder {
    "above"
}

#[secured]
#[cfg(not(test))]
#[get("/switched-below")]
async fn switched() -> impl Responder {
    "below"
}

#[secured]
#[cfg(not(test))]
async fn bare_and_off() -> impl Responder {
    "off"
}

#[cfg_attr(test, secured(role = "admin"))]
#[cfg_attr(not(test), secured(public))]
#[get("/chosen")]
async fn chosen() -> impl Responder {
    "chosen"
}

#[secured]
#[cfg_attr(test, allow(unused_variables))]
#[get("/lenient")]
async fn lenient() -> impl Responder {
    let unused = 7;
    "lenient"
}

#[secured]
#[expect(unused_variables, reason = "the lint reaches the user's function")]
#[get("/expecting")]
async fn expecting() -> impl Responder {
    let unused = 7;
    "expecting"
}

#[allow(non_snake_case, reason = "the lint reaches the handler's name")]
#[secured]
#[get("/loud")]
async fn Loud() -> impl Responder {
    "loud"
}

#[secured]
#[must_use]
#[inline]
async fn flagged() -> impl Responder {
    "flagged"
}

#[secured]
#[tracing::instrument]
#[get("/traced-below")]
async fn traced_below() -> impl Responder {
    "traced"
}

#[tracing::instrument(skip_all)]
#[secured]
async fn traced_above() -> impl Responder {
    "traced"
}

#[secured(scope = any("orders:read", all("items:write", "orders:write")))]
async fn nested() -> impl Responder {
    "nested"
}

#[secured(role = "admin")]
async fn trailing_comma() -> impl Responder {
    "comma"
}

#[secured()]
async fn empty_parentheses() -> impl Responder {
    "empty"
}

fn routes(routes: &mut Routes) {
    routes
        .service(documented)
        .service(switched)
        .service(lenient)
        .service(expecting)
        .service(Loud)
        .service(traced_below)
        .route("/flagged", Method::GET, flagged)
        .route("/traced-above", Method::GET, traced_above)
        .route("/trailing-comma", Method::GET, trailing_comma)
        .route("/empty-parentheses", Method::GET, empty_parentheses);
    routes.unguarded("/foreign", "`#[cfg_attr]` is not looked into", |config| {
        config
            .service(chosen)
            .route("/nested", actix_web::web::get().to(nested));
    });
}

#[actix_web::test]
async fn the_attributes_are_kept() {
    for (path, text) in [
        ("/documented", "documented"),
        ("/switched-above", "above"),
        ("/lenient", "lenient"),
        ("/expecting", "expecting"),
        ("/loud", "loud"),
        ("/flagged", "flagged"),
        ("/traced-below", "traced"),
        ("/traced-above", "traced"),
        ("/trailing-comma", ""),
        ("/empty-parentheses", "empty"),
    ] {
        let told = super::told(routes, Method::GET, path).await;
        assert!(told == text || text.is_empty(), "{path}: {told}");
    }
    let manifest = Manifest::of(routes);
    assert!(
        manifest
            .lock()
            .contains("load balancers ask without credentials")
    );
}
