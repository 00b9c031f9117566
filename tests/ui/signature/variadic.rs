use secure_runtime::secured;

#[secured]
async fn index(rest: ...) -> &'static str {
    "open"
}

fn main() {}
