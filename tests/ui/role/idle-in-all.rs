use secure_runtime::secured;

#[secured(role = all("support", "admin"))]
async fn index() -> &'static str {
    "open"
}

fn main() {}
