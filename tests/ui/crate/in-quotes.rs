use secure_runtime::secured;

#[secured(crate = "secure_runtime")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
