use actix_web::web::Path;
use secure_runtime::secured;

#[secured(public, login(account = name, atempts = "5/15min"))]
async fn login(name: Path<String>) -> &'static str {
    "welcome"
}

fn main() {}
