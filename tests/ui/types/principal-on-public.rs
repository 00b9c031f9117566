use secure_runtime::{Principal, secured};

#[secured(public)]
async fn index(caller: Principal) -> &'static str {
    "open"
}

fn main() {}
