use secure_runtime::secured;

#[secured(priority = 1)]
async fn index() -> &'static str {
    "open"
}

fn main() {}
