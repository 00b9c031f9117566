use secure_runtime::secured;

#[secured(role = any("admin", "admin"))]
async fn index() -> &'static str {
    "open"
}

fn main() {}
