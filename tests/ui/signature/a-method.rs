use secure_runtime::secured;

struct Shop;

impl Shop {
    #[secured]
    async fn index(&self) -> &'static str {
        "open"
    }
}

fn main() {}
