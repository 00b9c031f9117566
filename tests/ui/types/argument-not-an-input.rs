use secure_runtime::secured;

struct Session;

#[secured]
async fn index(_session: Session) -> &'static str {
    "open"
}

fn main() {}
