use secure_runtime::secured;

#[secured(role = "admin",, rate = "5/s")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
