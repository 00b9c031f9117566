use secure_runtime::secured;

#[secured(,)]
async fn index() -> &'static str {
    "open"
}

fn main() {}
