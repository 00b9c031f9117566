use secure_runtime::secured;

#[secured(crate = secure_runtim)]
async fn index() -> &'static str {
    "open"
}

fn main() {}
