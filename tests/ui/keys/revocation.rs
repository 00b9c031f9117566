use secure_runtime::secured;

#[secured(revocation = "0s")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
