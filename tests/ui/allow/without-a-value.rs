use secure_runtime::secured;

#[secured(allow)]
async fn index() -> &'static str {
    "open"
}

fn main() {}
