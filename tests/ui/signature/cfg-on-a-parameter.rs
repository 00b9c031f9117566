use actix_web::web;
use secure_runtime::secured;

#[secured]
async fn index(#[cfg(unix)] id: web::Path<u64>) -> &'static str {
    "open"
}

fn main() {}
