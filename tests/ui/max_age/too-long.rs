use secure_runtime::secured;

#[secured(max_age = "1000day")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
