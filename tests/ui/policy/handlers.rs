use secure_runtime::secured;

#[secured(role = "customer")]
async fn first() -> &'static str {
    "1"
}

#[secured(scope = "orders:read")]
#[actix_web::get("/second")]
async fn second() -> &'static str {
    "2"
}

#[secured(public, rate = "search")]
async fn third() -> &'static str {
    "3"
}

fn main() {}
