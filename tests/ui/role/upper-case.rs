use secure_runtime::secured;

#[secured(role = "Admin")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
