use secure_runtime::secured;

#[secured(role = "wizard")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
