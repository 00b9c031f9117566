use secure_runtime::{Routes, secured};

#[secured]
#[actix_web::get("/{id}")]
async fn index<T>(id: T) -> &'static str {
    "open"
}

fn routes(routes: &mut Routes) {
    routes.service(index);
}

fn main() {}
