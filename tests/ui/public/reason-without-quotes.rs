use secure_runtime::secured;

#[secured(public = health)]
async fn index() -> &'static str {
    "open"
}

fn main() {}
