use actix_web::web;
use secure_runtime::secured;

#[secured(allow = Some(*id == 7))]
async fn index(id: web::Path<u64>) -> &'static str {
    "open"
}

fn main() {}
