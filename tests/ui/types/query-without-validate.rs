use actix_web::web;
use secure_runtime::secured;

#[derive(serde::Deserialize)]
struct Order {}

#[secured]
async fn index(_order: web::Query<Order>) -> &'static str {
    "open"
}

fn main() {}
