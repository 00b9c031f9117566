use secure_runtime::secured;

#[secured(public, rate = "10/min per user")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
