use secure_runtime::secured;

#[secured(role = 7)]
async fn index() -> &'static str {
    "open"
}

fn main() {}
