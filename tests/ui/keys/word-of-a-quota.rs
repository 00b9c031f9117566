use secure_runtime::secured;

#[secured(rate = "10/min", burst = 20)]
async fn index() -> &'static str {
    "open"
}

fn main() {}
