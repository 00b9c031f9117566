#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("x")]
    Unconfigured { missing: Vec<String> },
}
