use secure_runtime::secured;

#[secured(public, factor = "otp")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
