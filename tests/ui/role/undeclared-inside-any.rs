use secure_runtime::secured;

#[secured(role = any("admin", "wizard"))]
async fn index() -> &'static str {
    "open"
}

fn main() {}
