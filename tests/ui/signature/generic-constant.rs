use secure_runtime::secured;

#[secured]
async fn index<const N: usize>() -> &'static str {
    "open"
}

fn main() {}
