use secure_runtime::secured;

#[secured]
async fn index<T: Copy>(id: T) -> &'static str {
    "open"
}

fn main() {}
