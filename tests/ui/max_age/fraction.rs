use secure_runtime::secured;

#[secured(max_age = "1.5h")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
