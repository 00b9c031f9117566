use secure_runtime::secured;

#[secured(scope = "moon:fly")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
