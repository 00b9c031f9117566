use secure_runtime::secured;

#[secured(role = "admin")]
#[secure_runtime::secured(public)]
async fn index() -> &'static str {
    "open"
}

fn main() {}
