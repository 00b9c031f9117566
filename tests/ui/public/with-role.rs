use secure_runtime::secured;

#[secured(public, role = "admin")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
