use secure_runtime::secured;

#[secured]
fn index() -> &'static str {
    "open"
}

fn main() {}
