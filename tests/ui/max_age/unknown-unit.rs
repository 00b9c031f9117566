use secure_runtime::secured;

#[secured(max_age = "2fortnights")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
