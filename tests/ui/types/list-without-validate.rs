use actix_web::web;
use secure_runtime::secured;

#[secured]
async fn index(_orders: web::Json<Vec<std::time::Duration>>) -> &'static str {
    "open"
}

fn main() {}
