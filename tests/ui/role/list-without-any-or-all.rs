use secure_runtime::secured;

#[secured(role = ["support", "customer"])]
async fn index() -> &'static str {
    "open"
}

fn main() {}
