use actix_web::web;
use secure_runtime::secured;

#[secured]
async fn index(#[unvalidated(all)] order: web::Json<u64>) -> &'static str {
    "open"
}

fn main() {}
