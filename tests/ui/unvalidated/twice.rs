use actix_web::web;
use secure_runtime::secured;

#[secured]
async fn index(
    #[unvalidated]
    #[unvalidated]
    order: web::Json<u64>,
) -> &'static str {
    "open"
}

fn main() {}
