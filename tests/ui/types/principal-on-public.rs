use secure_runtime::{Principal, secured};

#[secured(public)]
async fn index(_caller: Principal) -> &'static str {
    "open"
}

fn main() {}
