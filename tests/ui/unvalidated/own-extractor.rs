use secure_runtime::{Extracted, secured};

struct Session;

#[secured]
async fn index(#[unvalidated] _session: Extracted<Session>) -> &'static str {
    "open"
}

fn main() {}
