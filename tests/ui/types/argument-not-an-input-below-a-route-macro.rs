use secure_runtime::secured;

#[secured]
#[actix_web::get("/{id}")]
async fn index(id: u64) -> String {
    id.to_string()
}

fn main() {}
