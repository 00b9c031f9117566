use secure_runtime::secured;

#[secured(rate = ["100/min", "5/s per ip"], cost = 20)]
async fn index() -> &'static str {
    "open"
}

fn main() {}
