use actix_web::web;
use secure_runtime::secured;

#[secured]
async fn index(#[unvalidated] order: web::Json<u64>, text: String) -> &'static str {
    "open"
}

fn main() {}
