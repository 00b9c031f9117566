use actix_web::http::Method;
use secure_runtime::{Routes, secured};

#[secured(role = "admim")]
async fn index() -> &'static str {
    "open"
}

fn routes(routes: &mut Routes) {
    routes.route("/", Method::GET, index);
}

fn main() {}
