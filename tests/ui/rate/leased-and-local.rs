use secure_runtime::secured;

#[secured(rate = "1000/min leased local")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
