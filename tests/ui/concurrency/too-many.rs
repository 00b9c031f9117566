use secure_runtime::secured;

#[secured(concurrency = 4294967296)]
async fn index() -> &'static str {
    "open"
}

fn main() {}
