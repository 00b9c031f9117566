use secure_runtime::secured;

#[secured(rol = "admin")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
