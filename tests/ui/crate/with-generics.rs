use secure_runtime::secured;

#[secured(crate = secure_runtime::<u8>)]
async fn index() -> &'static str {
    "open"
}

fn main() {}
