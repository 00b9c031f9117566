use secure_runtime::secured;

#[secured]
async fn index(_caller: Principle) -> &'static str {
    "open"
}

fn main() {}
