use secure_runtime::secured;

#[secured]
async fn index() -> () {}

fn main() {}
