use secure_runtime::secured;

#[secured(Role = "admin")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
