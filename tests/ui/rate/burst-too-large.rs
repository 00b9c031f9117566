use secure_runtime::secured;

#[secured(rate = "1/day burst 1000")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
