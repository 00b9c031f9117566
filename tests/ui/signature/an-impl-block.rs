use secure_runtime::secured;

struct Shop;

#[secured]
impl Shop {}

fn main() {}
