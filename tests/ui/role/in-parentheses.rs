use secure_runtime::secured;

#[secured(role("admin"))]
async fn index() -> &'static str {
    "open"
}

fn main() {}
