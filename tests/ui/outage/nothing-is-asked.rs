use secure_runtime::secured;

#[secured(public, outage = "deny", rate = "1/s local")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
