use secure_runtime::secured;

#[secured(rate = "2000000/s")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
