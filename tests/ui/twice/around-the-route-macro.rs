use secure_runtime::secured;

#[secured(role = "admin")]
#[actix_web::get("/")]
#[secured(public)]
async fn index() -> &'static str {
    "open"
}

fn main() {}
