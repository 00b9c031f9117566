use secure_runtime::{Routes, secured};

#[secured(public)]
#[actix_web::get("/")]
async fn index() -> &'static str {
    "open"
}

fn routes(routes: &mut Routes) {
    routes.route("/", actix_web::http::Method::GET, index);
}

fn main() {}
