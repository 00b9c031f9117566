use actix_web::http::Method;
use secure_runtime::{Routes, Secured};

async fn index() -> Secured {
    std::process::exit(1)
}

fn routes(routes: &mut Routes) {
    routes.route("/", Method::GET, index);
}

fn main() {}
