use secure_runtime::secured;

#[secured(outage = "allow")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
