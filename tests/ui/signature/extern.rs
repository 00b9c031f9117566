use secure_runtime::secured;

#[secured]
async extern "C" fn index() -> &'static str {
    "open"
}

fn main() {}
