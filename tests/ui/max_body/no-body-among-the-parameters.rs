use actix_web::web;
use secure_runtime::secured;

#[secured(max_body = "4KB")]
async fn index(_id: web::Path<u64>) -> &'static str {
    "open"
}

fn main() {}
