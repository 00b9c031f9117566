use secure_runtime::secured;

#[secured(cost = 5)]
async fn index() -> &'static str {
    "open"
}

fn main() {}
