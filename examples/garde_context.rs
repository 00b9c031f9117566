//! Rules that look something up: `cargo run --example garde_context`.

use actix_web::{Responder, post, web};
use secure_runtime::{Refusal, Routes, secured, testing::TestService};
use serde::Deserialize;

/// What the rules need; it lies in the app's data.
struct Catalogue {
    most: u32,
}

#[derive(Deserialize, garde::Validate)]
#[garde(context(Catalogue as catalogue))]
struct Order {
    #[garde(range(min = 1, max = catalogue.most))]
    quantity: u32,
}

#[secured]
#[post("/orders")]
async fn place_order(order: web::Json<Order>) -> impl Responder {
    order.quantity.to_string()
}

#[actix_web::main]
async fn main() {
    let service = TestService::new(|routes: &mut Routes| {
        let catalogue = web::Data::new(Catalogue { most: 3 });
        routes.app_data(catalogue).service(place_order);
    })
    .await;
    let order = |body: &'static str| {
        let call = service.post("/orders").subject("ann");
        call.body("application/json", body).send()
    };
    assert_eq!(order(r#"{"quantity":3}"#).await.text(), "3");
    let refused = order(r#"{"quantity":4}"#).await;
    refused.assert_refused(Refusal::InputInvalid);
    assert!(refused.text().contains("/quantity"), "{}", refused.text());

    // A context that nobody registered leaves the rules unknown: everything is refused.
    let service = TestService::new(|routes: &mut Routes| {
        routes.service(place_order);
    })
    .await;
    let call = service.post("/orders").subject("ann");
    let call = call.body("application/json", r#"{"quantity":1}"#);
    call.send().await.assert_refused(Refusal::NotConfigured);
}
