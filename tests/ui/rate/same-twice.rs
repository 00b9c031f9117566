use secure_runtime::secured;

#[secured(rate = ["10/min", "10/min"])]
async fn index() -> &'static str {
    "open"
}

fn main() {}
