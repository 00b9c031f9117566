use secure_runtime::secured;

#[secured]
async fn index(id: impl Copy) -> &'static str {
    "open"
}

fn main() {}
