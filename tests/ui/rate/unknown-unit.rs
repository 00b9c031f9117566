use secure_runtime::secured;

#[secured(rate = "10/minuts")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
