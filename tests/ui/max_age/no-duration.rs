use secure_runtime::secured;

#[secured(max_age = "soon")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
