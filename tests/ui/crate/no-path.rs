use secure_runtime::secured;

#[secured(crate = 7)]
async fn index() -> &'static str {
    "open"
}

fn main() {}
