//! What can go wrong with the store. Every kind is the same to a request.

/// Why the store did not answer. No text of ours holds a URL.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// It answers something that we never wrote.
    #[error("its contents are not ours")]
    Foreign,
    #[error("it says: {0}")]
    Redis(#[from] redis::RedisError),
    /// Another memory answers than at first, or a replica.
    #[error("it is no longer the server that it was, or a replica")]
    Replaced,
    #[error("it is silent")]
    Silent,
}

impl Fault {
    /// Whether the connection is of no more use.
    pub(super) fn breaks_connection(&self) -> bool {
        match self {
            Self::Redis(error) => error.is_io_error() || error.is_unrecoverable_error(),
            Self::Replaced => true,
            Self::Foreign | Self::Silent => false,
        }
    }

    /// Whether the server has no room for what it was told to keep: it is well, and tells
    /// everything that it knows.
    pub(super) fn is_lack_of_room(&self) -> bool {
        match self {
            Self::Redis(error) => error.code() == Some("OOM"),
            Self::Foreign | Self::Replaced | Self::Silent => false,
        }
    }
}
