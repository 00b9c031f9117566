use actix_web::web;
use secure_runtime::secured;

#[secured(body_timeout = "2h")]
async fn index(order: web::Bytes) -> &'static str {
    "open"
}

fn main() {}
