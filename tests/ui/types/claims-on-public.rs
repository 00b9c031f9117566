use secure_runtime::{Claims, secured};

#[secured(public)]
#[actix_web::get("/")]
async fn index(_claims: Claims<String>) -> &'static str {
    "open"
}

fn main() {}
