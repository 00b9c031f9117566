use secure_runtime::secured;

#[secured(public("health checks"))]
async fn index() -> &'static str {
    "open"
}

fn main() {}
