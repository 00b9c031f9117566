use secure_runtime::secured;

#[secured(rate = "serach")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
