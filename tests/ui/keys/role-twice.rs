use secure_runtime::secured;

#[secured(role = "admin", role = "support")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
