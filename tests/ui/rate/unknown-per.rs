use secure_runtime::secured;

#[secured(rate = "10/min per host")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
