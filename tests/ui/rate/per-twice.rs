use secure_runtime::secured;

#[secured(rate = "10/min per ip per user")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
