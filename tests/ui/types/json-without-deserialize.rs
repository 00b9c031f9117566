use actix_web::web;
use secure_runtime::secured;

#[derive(garde::Validate)]
struct Order {}

#[secured]
async fn index(_order: web::Json<Order>) -> &'static str {
    "open"
}

fn main() {}
