use actix_web::web::Path;
use secure_runtime::secured;

#[secured(public, account = name)]
async fn login(name: Path<String>) -> &'static str {
    "welcome"
}

fn main() {}
