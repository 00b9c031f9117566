use secure_runtime::secured;

#[secured]
async unsafe fn index() -> &'static str {
    "open"
}

fn main() {}
