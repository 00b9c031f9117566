use actix_web::web;
use secure_runtime::secured;

#[secured]
async fn index(order: web::Json<u64>, raw: web::Bytes) -> &'static str {
    "open"
}

fn main() {}
