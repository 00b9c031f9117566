use secure_runtime::secured;

#[secured(role = "admin")]
#[secured(public)]
#[actix_web::get("/")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
