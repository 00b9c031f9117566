use secure_runtime::secured;

#[secured(rate = ["10/min", "100/fortnight"])]
async fn index() -> &'static str {
    "open"
}

fn main() {}
