use secure_runtime::{Principal, secured};

#[secured]
async fn index(#[unvalidated] _caller: Principal) -> &'static str {
    "open"
}

fn main() {}
