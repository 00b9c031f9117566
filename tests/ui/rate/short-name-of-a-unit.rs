use secure_runtime::secured;

#[secured(rate = "10/m leased")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
