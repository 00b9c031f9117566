use secure_runtime::secured;

#[secured(crate)]
async fn index() -> &'static str {
    "open"
}

fn main() {}
