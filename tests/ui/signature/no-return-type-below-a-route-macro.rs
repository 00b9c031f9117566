use secure_runtime::secured;

#[secured]
#[actix_web::get("/")]
async fn index() {}

fn main() {}
