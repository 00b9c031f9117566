use secure_runtime::secured;

#[secured(role = either("support", "customer"))]
async fn index() -> &'static str {
    "open"
}

fn main() {}
