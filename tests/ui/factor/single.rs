use secure_runtime::secured;

#[secured(factor = any("otp"))]
async fn index() -> &'static str {
    "open"
}

fn main() {}
