use secure_runtime::secured;

struct Session;

#[secured]
async fn index(session: Session) -> &'static str {
    "open"
}

fn main() {}
