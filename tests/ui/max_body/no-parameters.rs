use secure_runtime::secured;

#[secured(max_body = "4KB")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
