use secure_runtime::secured;

#[secured]
struct Index;

fn main() {}
