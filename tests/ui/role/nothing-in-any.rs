use secure_runtime::secured;

#[secured(role = any())]
async fn index() -> &'static str {
    "open"
}

fn main() {}
