use actix_web::web;
use secure_runtime::secured;

#[secured(max_body = "99999999999GB")]
async fn index(order: web::Bytes) -> &'static str {
    "open"
}

fn main() {}
