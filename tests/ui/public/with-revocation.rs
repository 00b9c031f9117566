use secure_runtime::secured;

#[secured(public, revocation = "2s")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
