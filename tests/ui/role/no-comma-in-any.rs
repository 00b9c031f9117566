use secure_runtime::secured;

#[secured(role = any("support" "admin"))]
async fn index() -> &'static str {
    "open"
}

fn main() {}
