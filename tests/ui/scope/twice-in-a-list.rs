use secure_runtime::secured;

#[secured(scope = all("orders:read", "orders:read"))]
async fn index() -> &'static str {
    "open"
}

fn main() {}
