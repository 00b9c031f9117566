use secure_runtime::secured;

#[secured]
async fn index(caller: Principle) -> &'static str {
    "open"
}

fn main() {}
