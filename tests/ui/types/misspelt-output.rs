use secure_runtime::secured;

#[secured]
async fn index() -> Pge {
    "open"
}

fn main() {}
