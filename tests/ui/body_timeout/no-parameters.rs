use secure_runtime::secured;

#[secured(body_timeout = "10s")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
