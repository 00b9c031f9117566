use secure_runtime::secured;

#[secured]
const INDEX: fn() = || {};

fn main() {}
