use secure_runtime::secured;

#[secured]
async fn index<'a>() -> &'a str {
    "open"
}

fn main() {}
