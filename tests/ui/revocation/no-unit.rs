use secure_runtime::secured;

#[secured(revocation = "2")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
