use actix_web::web;
use secure_runtime::secured;

#[secured]
async fn index(ids: web::Data<impl Copy>) -> &'static str {
    "open"
}

fn main() {}
