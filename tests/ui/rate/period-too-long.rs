use secure_runtime::secured;

#[secured(rate = "10/90day")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
