use secure_runtime::secured;

#[secured(factor = "")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
