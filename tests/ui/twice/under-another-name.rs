use secure_runtime::{secured, secured as guarded};

#[secured(role = "admin")]
#[guarded(public)]
async fn index() -> &'static str {
    "open"
}

fn main() {}
