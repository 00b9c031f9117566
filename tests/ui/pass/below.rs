//! `#[secured]` below the route macro, and functions registered by actix's own means: guarded,
//! though nothing proves it at compile time.

use actix_web::{Responder, delete, get, http::Method, post, route, web};
use secure_runtime::{Refusal, Routes, secured, testing::TestService};

#[get("/get")]
#[secured]
async fn on_get() -> impl Responder {
    "get"
}

#[post("/post")]
#[secured]
async fn on_post() -> impl Responder {
    "post"
}

#[delete("/{id}")]
#[secured(role = "admin")]
async fn on_delete(id: web::Path<u8>) -> impl Responder {
    id.to_string()
}

#[route("/both", method = "GET", method = "PUT")]
#[secured]
async fn both() -> impl Responder {
    "both"
}

#[secured]
async fn bare() -> impl Responder {
    "bare"
}

fn routes(routes: &mut Routes) {
    routes.unguarded("/foreign", "registered without proof", |config| {
        config
            .service(on_get)
            .service(on_post)
            .service(on_delete)
            .service(both)
            .route("/bare", web::get().to(bare));
    });
    routes.route("/bare", Method::GET, bare);
}

#[actix_web::test]
async fn the_handlers_are_guarded() {
    let service = TestService::new(routes).await;
    for path in ["/foreign/get", "/foreign/both", "/foreign/bare", "/bare"] {
        let name = path.rsplit('/').next().expect("a name");
        service
            .get(path)
            .send()
            .await
            .assert_refused(Refusal::CredentialsMissing);
        assert_eq!(service.get(path).subject("ada").send().await.text(), name);
    }
    let call = service.post("/foreign/post").subject("ada");
    assert_eq!(call.send().await.text(), "post");
    let call = service.delete("/foreign/7").role("customer");
    call.send().await.assert_refused(Refusal::RoleMissing);
    assert_eq!(
        service
            .delete("/foreign/7")
            .role("admin")
            .send()
            .await
            .text(),
        "7"
    );
    assert_eq!(super::recorded(routes), ["GET /bare"]);
}
