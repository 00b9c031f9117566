use secure_runtime::secured;

#[secured(rate = "uploads")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
