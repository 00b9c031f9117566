use secure_runtime::secured;

#[secured(revocation(off = "tokens live a minute", within = "2s"))]
async fn index() -> &'static str {
    "open"
}

fn main() {}
