use secure_runtime::secured;

#[secured(factor = "second")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
