use secure_runtime::{Routes, secured};

#[actix_web::get("/")]
#[secured(public)]
async fn index() -> &'static str {
    "open"
}

fn routes(routes: &mut Routes) {
    routes.service(index);
}

fn main() {}
