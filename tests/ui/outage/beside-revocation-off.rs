use secure_runtime::secured;

#[secured(outage = "local", revocation(off = "x"))]
async fn index() -> &'static str {
    "open"
}

fn main() {}
