use secure_runtime::secured;

#[secured(max_age = "0s")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
