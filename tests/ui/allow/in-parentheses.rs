use secure_runtime::secured;

#[secured(allow(*id == 7))]
async fn index(id: actix_web::web::Path<u64>) -> &'static str {
    "open"
}

fn main() {}
