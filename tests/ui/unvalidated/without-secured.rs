use actix_web::{get, web};

#[get("/")]
async fn index(#[unvalidated] id: web::Path<u64>) -> String {
    id.to_string()
}

fn main() {}
