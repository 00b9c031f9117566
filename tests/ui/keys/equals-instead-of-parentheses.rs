use secure_runtime::secured;

#[secured = "admin"]
async fn index() -> &'static str {
    "open"
}

fn main() {}
