use actix_web::web;
use secure_runtime::secured;

#[secured]
async fn index(_order: web::Json<u64>, _raw: web::Bytes) -> &'static str {
    "open"
}

fn main() {}
