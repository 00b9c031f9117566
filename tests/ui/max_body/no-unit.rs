use actix_web::web;
use secure_runtime::secured;

#[secured(max_body = "1000")]
async fn index(order: web::Bytes) -> &'static str {
    "open"
}

fn main() {}
