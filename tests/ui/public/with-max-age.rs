use secure_runtime::secured;

#[secured(public, max_age = "15min")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
