use secure_runtime::secured;

#[secured]
async fn index() -> Result<String, String> {
    Ok(String::new())
}

fn main() {}
