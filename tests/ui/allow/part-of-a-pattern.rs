use actix_web::web;
use secure_runtime::secured;

#[secured(allow = limit > 7)]
async fn index(web::Json(limit): web::Json<u64>) -> &'static str {
    "open"
}

fn main() {}
