use secure_runtime::secured;

#[secured(role)]
async fn index() -> &'static str {
    "open"
}

fn main() {}
