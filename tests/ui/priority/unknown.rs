use secure_runtime::secured;

#[secured(priority = "high")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
