use secure_runtime::secured;

#[secured(scope = any(all("orders:read", "orders:write")))]
async fn index() -> &'static str {
    "open"
}

fn main() {}
