use secure_runtime::secured;

#[secured]
async fn index() -> &'static str {
    7
}

fn main() {}
