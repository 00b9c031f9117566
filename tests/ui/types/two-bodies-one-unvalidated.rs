use actix_web::web;
use secure_runtime::secured;

#[secured]
async fn index(#[unvalidated] _order: web::Json<u64>, _text: String) -> &'static str {
    "open"
}

fn main() {}
