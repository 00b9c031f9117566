use secure_runtime::secured;

#[secured]
const async fn index() -> &'static str {
    "open"
}

fn main() {}
