use actix_web::web::Path;
use secure_runtime::secured;

#[secured(public, login(account = name, attempts = "5/15 min"))]
async fn login(name: Path<String>) -> &'static str {
    "welcome"
}

fn main() {}
