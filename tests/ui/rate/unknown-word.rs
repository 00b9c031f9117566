use secure_runtime::secured;

#[secured(rate = "10/min each")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
