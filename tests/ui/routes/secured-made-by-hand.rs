use secure_runtime::Secured;

async fn index() -> Secured {
    Secured(actix_web::HttpResponse::Ok().finish())
}

fn main() {}
