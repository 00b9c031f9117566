use secure_runtime::secured;

#[secured(rate = "/min")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
