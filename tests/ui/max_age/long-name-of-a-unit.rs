use secure_runtime::secured;

#[secured(max_age = "15minutes")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
