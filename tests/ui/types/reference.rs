use secure_runtime::{Principal, secured};

#[secured]
async fn index(caller: &Principal) -> &'static str {
    "open"
}

fn main() {}
