use secure_runtime::secured;

#[secured]
#[actix_web::get("/")]
fn index() -> &'static str {
    "open"
}

fn main() {}
