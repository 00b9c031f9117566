use secure_runtime::secured;

#[secured]
async fn index(&self) -> &'static str {
    "open"
}

fn main() {}
