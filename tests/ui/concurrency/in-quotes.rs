use secure_runtime::secured;

#[secured(concurrency = "20")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
