use secure_runtime::secured;

#[secured(public, scope = "orders:read")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
