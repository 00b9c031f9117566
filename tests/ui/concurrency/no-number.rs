use secure_runtime::secured;

#[secured(concurrency = many)]
async fn index() -> &'static str {
    "open"
}

fn main() {}
