use secure_runtime::secured;

#[secured(max_age = "15")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
