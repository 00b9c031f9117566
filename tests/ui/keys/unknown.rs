use secure_runtime::secured;

#[secured(colour = "red")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
