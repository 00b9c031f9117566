use secure_runtime::secured;

#[secured(public = " ")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
