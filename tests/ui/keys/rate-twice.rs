use secure_runtime::secured;

#[secured(rate = "5/s", rate = "100/hour")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
