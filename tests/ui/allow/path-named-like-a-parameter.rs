use actix_web::web;
use secure_runtime::secured;

#[secured(allow = u8::MAX == rules::id())]
async fn index(id: web::Path<u64>) -> &'static str {
    "open"
}

fn main() {}
