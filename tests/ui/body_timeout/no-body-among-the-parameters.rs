use actix_web::web;
use secure_runtime::secured;

#[secured(body_timeout = "10s")]
async fn index(_id: web::Path<u64>) -> &'static str {
    "open"
}

fn main() {}
