use secure_runtime::secured;

#[secured(hide)]
async fn index() -> &'static str {
    "open"
}

fn main() {}
