use actix_web::web::Path;
use secure_runtime::secured;

#[secured(public, login(account = name.as_str(), attempts = "5/15min", password = (name.len(),)))]
async fn login(name: Path<String>) -> &'static str {
    "welcome"
}

fn main() {}
