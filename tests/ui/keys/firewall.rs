use secure_runtime::secured;

#[secured(firewall = "block")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
