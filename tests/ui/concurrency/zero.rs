use secure_runtime::secured;

#[secured(concurrency = 0)]
async fn index() -> &'static str {
    "open"
}

fn main() {}
