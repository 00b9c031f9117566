use secure_runtime::secured;

#[secured]
#[unvalidated]
async fn index() -> &'static str {
    "open"
}

fn main() {}
