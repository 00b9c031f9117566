//! Handlers in modules of their own, and several of the same name.

use secure_runtime::Routes;

mod orders {
    use actix_web::{Responder, get};
    use secure_runtime::secured;

    #[secured]
    #[get("/orders")]
    pub(crate) async fn list() -> impl Responder {
        "orders"
    }

    #[secured]
    pub(super) async fn count() -> impl Responder {
        "7"
    }

    pub(super) mod archived {
        use super::{Responder, get, secured};

        #[secured]
        #[get("/archived")]
        pub(in super::super) async fn list() -> impl Responder {
            "archived"
        }
    }
}

fn routes(routes: &mut Routes) {
    #[secure_runtime::secured]
    async fn inside() -> &'static str {
        "inside"
    }

    routes
        .service(orders::list)
        .service(orders::archived::list)
        .route("/count", actix_web::http::Method::GET, orders::count)
        .route("/inside", actix_web::http::Method::GET, inside);
}

#[test]
fn every_handler_is_recorded() {
    let expected = ["GET /archived", "GET /count", "GET /inside", "GET /orders"];
    assert_eq!(super::recorded(routes), expected);
}
