use secure_runtime::secured;

#[secured(revocation = "off")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
