use actix_web::web;
use secure_runtime::secured;

#[secured(max_body = "large")]
async fn index(order: web::Bytes) -> &'static str {
    "open"
}

fn main() {}
