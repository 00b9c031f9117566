use secure_runtime::secured;

#[secured(public, outage = "deny")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
