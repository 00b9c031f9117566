use secure_runtime::secured;

#[secured(rate = "search local")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
