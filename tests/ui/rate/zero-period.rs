use secure_runtime::secured;

#[secured(rate = "10/0s")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
