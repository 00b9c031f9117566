use actix_web::web;
use secure_runtime::secured;

#[secured(allow = *id == 7, hide = true)]
async fn index(id: web::Path<u64>) -> &'static str {
    "open"
}

fn main() {}
