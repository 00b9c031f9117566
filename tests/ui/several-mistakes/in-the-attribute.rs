use secure_runtime::secured;

#[secured(rol = "admin", rate = "10/minuts", max_age = "15")]
async fn index() -> &'static str {
    "open"
}

fn main() {}
