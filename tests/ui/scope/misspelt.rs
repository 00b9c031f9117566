use secure_runtime::secured;

#[secured(scope = "order:read")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
