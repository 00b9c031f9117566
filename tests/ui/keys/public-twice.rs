use secure_runtime::secured;

#[secured(public, public)]
async fn index() -> &'static str {
    "open"
}

fn main() {}
