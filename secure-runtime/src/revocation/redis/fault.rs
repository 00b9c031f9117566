//! What can go wrong with the store. Every kind is the same to a request.

/// The sink does not take more entries.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("there is no room")]
pub(in crate::revocation) struct Full;

/// Why the store did not answer. No text of ours holds a URL.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// Somebody emptied it under our hands.
    #[error("it has lost its contents")]
    Emptied,
    /// It answers something that we never wrote.
    #[error("its contents are not ours")]
    Foreign,
    /// The entries do not fit.
    #[error("this process has no room for its entries: raise `revocation.max_entries`")]
    Full(#[from] Full),
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
            Self::Emptied | Self::Foreign | Self::Full(_) | Self::Silent => false,
        }
    }
}
