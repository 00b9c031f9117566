use secure_runtime::secured;

#[secured(rate = "login", cost = 6)]
async fn index() -> &'static str {
    "open"
}

fn main() {}
