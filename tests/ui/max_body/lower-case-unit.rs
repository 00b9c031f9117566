use actix_web::web;
use secure_runtime::secured;

#[secured(max_body = "4kb")]
async fn index(order: web::Bytes) -> &'static str {
    "open"
}

fn main() {}
