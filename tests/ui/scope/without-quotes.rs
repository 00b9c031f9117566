use secure_runtime::secured;

#[secured(scope = orders:read)]
async fn index() -> &'static str {
    "open"
}

fn main() {}
