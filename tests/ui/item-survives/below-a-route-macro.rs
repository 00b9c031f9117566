use secure_runtime::{Routes, secured};

#[secured(role = "admim")]
#[actix_web::get("/")]
async fn index() -> &'static str {
    "open"
}

fn routes(routes: &mut Routes) {
    routes.service(index);
}

fn main() {}
