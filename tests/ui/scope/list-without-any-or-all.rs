use secure_runtime::secured;

#[secured(scope = ["orders:read", "orders:write"])]
async fn index() -> &'static str {
    "open"
}

fn main() {}
