use secure_runtime::secured;

#[secured(rate = ["10/min", "900/hour"])]
async fn index() -> &'static str {
    "open"
}

fn main() {}
