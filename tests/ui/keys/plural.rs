use secure_runtime::secured;

#[secured(roles = "admin")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
