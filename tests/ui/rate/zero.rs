use secure_runtime::secured;

#[secured(rate = "0/min")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
