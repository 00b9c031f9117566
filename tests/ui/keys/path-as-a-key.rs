use secure_runtime::secured;

#[secured(auth::role = "admin")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
