use secure_runtime::secured;

#[secured]
mod index {}

fn main() {}
