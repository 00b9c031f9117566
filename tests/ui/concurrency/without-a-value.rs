use secure_runtime::secured;

#[secured(concurrency)]
async fn index() -> &'static str {
    "open"
}

fn main() {}
