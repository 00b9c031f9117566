use secure_runtime::secured;

#[secured]
async fn index() -> &'static str
where
    u8: Copy,
{
    "open"
}

fn main() {}
