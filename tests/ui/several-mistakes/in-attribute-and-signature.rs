use secure_runtime::secured;

#[secured(role = "admim", max_body = "4KB")]
fn index() -> &'static str {
    "open"
}

fn main() {}
