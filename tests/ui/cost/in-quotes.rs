use secure_runtime::secured;

#[secured(rate = "10/min", cost = "5")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
