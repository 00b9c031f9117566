use secure_runtime::secured;

#[secured(factor = "totp")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
