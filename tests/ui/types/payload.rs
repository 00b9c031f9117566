use actix_web::web;
use secure_runtime::secured;

#[secured]
async fn index(body: web::Payload) -> &'static str {
    "open"
}

fn main() {}
