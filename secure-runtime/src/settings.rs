#[derive(Debug, Default, Clone)]
pub struct Settings {
    pub realm: String,
    pub limits: Limits,
}
#[derive(Debug, Default, Clone)]
pub struct Limits {
    pub max_keys: usize,
}
