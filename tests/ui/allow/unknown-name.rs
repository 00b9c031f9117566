use actix_web::web;
use secure_runtime::secured;

#[secured(allow = *id == limit)]
async fn index(id: web::Path<u64>) -> &'static str {
    "open"
}

fn main() {}
