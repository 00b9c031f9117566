use secure_runtime::secured;

#[secured(role = "admim")]
#[actix_web::get("/")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
