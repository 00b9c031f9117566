use secure_runtime::secured;

#[secured(priority = critical)]
async fn index() -> &'static str {
    "open"
}

fn main() {}
