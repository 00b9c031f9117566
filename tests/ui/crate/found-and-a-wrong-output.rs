use secure_runtime as shield;
use secure_runtime::secured;

#[secured(crate = shield)]
async fn index() -> std::time::Duration {
    std::time::Duration::ZERO
}

fn main() {}
