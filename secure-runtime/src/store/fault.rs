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

    /// Whether it is true of the server, whichever connection it was noticed at. Silence is not: it
    /// may be over when somebody has waited for its end.
    pub(super) fn is_of_the_server(&self) -> bool {
        match self {
            Self::Redis(error) => !error.is_timeout() && !self.is_of_the_command(),
            Self::Foreign | Self::Replaced => true,
            Self::Silent => false,
        }
    }

    /// Whether the server is well and answers that this one command cannot be done: there is no
    /// room (`OOM`), the user may not (`NOPERM`), or a script or its data are wrong. What else it
    /// says, as that it loads or is a replica, is true of every command.
    pub(crate) fn is_of_the_command(&self) -> bool {
        const OF_THE_COMMAND: [&str; 4] = ["ERR", "NOPERM", "OOM", "WRONGTYPE"];
        self.code()
            .is_some_and(|code| OF_THE_COMMAND.contains(&code))
    }

    /// The first word of what the server says.
    pub(super) fn code(&self) -> Option<&str> {
        match self {
            Self::Redis(error) => error.code(),
            Self::Foreign | Self::Replaced | Self::Silent => None,
        }
    }
}
