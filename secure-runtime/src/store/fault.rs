//! What can go wrong with the store. Every kind is the same to a request.

/// Why the store did not answer. No text of ours holds a URL.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// It answers something that we never wrote.
    #[error("its contents are not ours")]
    Foreign,
    #[error("it says: {0}")]
    Redis(#[from] redis::RedisError),
    #[error("it is silent")]
    Silent,
}

impl Fault {
    /// Whether the connection is of no more use.
    pub(super) fn breaks_connection(&self) -> bool {
        match self {
            Self::Redis(error) => error.is_io_error() || error.is_unrecoverable_error(),
            Self::Foreign | Self::Silent => false,
        }
    }
}
