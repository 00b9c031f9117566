use secure_runtime::secured;

#[secured(login(account = name))]
async fn index() -> &'static str {
    "open"
}

fn main() {}
