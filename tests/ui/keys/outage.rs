use secure_runtime::secured;

#[secured(outage = "local")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
