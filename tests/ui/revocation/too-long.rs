use secure_runtime::secured;

#[secured(revocation = "2h")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
