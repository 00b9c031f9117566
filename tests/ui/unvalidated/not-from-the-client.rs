use secure_runtime::{Principal, secured};

#[secured]
async fn index(#[unvalidated] caller: Principal) -> &'static str {
    "open"
}

fn main() {}
