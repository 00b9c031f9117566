use secure_runtime::secured;

#[secured(max_age = 900)]
async fn index() -> &'static str {
    "open"
}

fn main() {}
