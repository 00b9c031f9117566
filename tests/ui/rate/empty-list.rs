use secure_runtime::secured;

#[secured(rate = [])]
async fn index() -> &'static str {
    "open"
}

fn main() {}
