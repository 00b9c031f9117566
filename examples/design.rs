//! The whole idea on one page: policies beside the handlers, routes, a server.
//!
//! `cargo run --example design` wants a `secure.toml`; `SECURE_SETTINGS=examples/secure.toml` has
//! one for a developer's machine.

use actix_web::{HttpResponse, Responder, ResponseError, delete, get, http::StatusCode, post, web};
use derive_more::{Display, Error};
use secure_runtime::{Principal, Routes, Security, Server, Settings, secured};

#[derive(serde::Deserialize, serde::Serialize, garde::Validate)]
struct NewOrder {
    #[garde(length(min = 1, max = 80))]
    item: String,
    #[garde(range(min = 1, max = 100))]
    quantity: u32,
}

#[derive(Debug, Display, Error)]
#[display("sold out")]
struct ShopError;

impl ResponseError for ShopError {
    fn status_code(&self) -> StatusCode {
        StatusCode::CONFLICT
    }
}

#[secured(public, rate = "60/min")]
#[get("/items")]
async fn items() -> impl Responder {
    web::Json(["tea", "coffee"])
}

#[secured(role = "customer", rate = ["5/s", "100/hour"], max_body = "4KB")]
#[post("/orders")]
async fn place_order(
    customer: Principal,
    order: web::Json<NewOrder>,
) -> Result<impl Responder, ShopError> {
    if order.item == "gold" {
        return Err(ShopError);
    }
    let answer = (customer.subject(), order.into_inner());
    Ok(HttpResponse::Created().json(answer))
}

/// Ann has the even orders, and everybody else has the odd ones.
async fn owns(customer: &Principal, id: u64) -> bool {
    (customer.subject() == "ann") == id.is_multiple_of(2)
}

#[secured(role = "customer", allow = owns(&customer, *id).await)]
#[get("/orders/{id}")]
async fn order(customer: Principal, id: web::Path<u64>) -> Result<impl Responder, ShopError> {
    Ok(format!("order {id} of {}", customer.subject()))
}

#[secured(role = "admin", max_age = "15min", revocation = "0s")]
#[delete("/orders/{id}")]
async fn cancel(id: web::Path<u64>) -> impl Responder {
    format!("order {id} is cancelled")
}

fn routes(routes: &mut Routes) {
    routes.service(items).service(place_order).service(order);
    routes.scope("/admin", |admin| {
        admin.service(cancel);
    });
}

#[actix_web::main]
async fn main() -> Result<(), secure_runtime::Error> {
    let security = Security::from_settings(Settings::load()?).await?;
    Server::new(security, routes).run().await // HTTPS
}

#[cfg(test)]
#[actix_web::test]
async fn does_what_it_says() {
    use secure_runtime::{Refusal, testing::TestService};

    let shop = TestService::new(routes).await;
    let tea = NewOrder {
        item: "tea".to_owned(),
        quantity: 2,
    };
    let placed = shop.post("/orders").role("customer").json(tea);
    assert_eq!(placed.send().await.status(), StatusCode::CREATED);
    let ann = shop.get("/orders/3").role("customer").subject("ann");
    ann.send().await.assert_refused(Refusal::Forbidden);
    let call = shop.delete("/admin/orders/3").role("customer");
    call.send().await.assert_refused(Refusal::RoleMissing);
}
