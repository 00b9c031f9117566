//! Why a revocation could not be kept.

use std::{io, path::PathBuf, sync::Arc};

use super::entries::NoRoom;
use crate::rejection::{Refusal, Rejection};

/// Why a revocation was not made, or those of the last run cannot be read.
///
/// A handler may return it as a [`Rejection`]: the caller is answered 503, and the log says why.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RevocationError {
    /// A line of the file is not what was written there.
    #[error(
        "line {line} of `{}` is damaged: restore the file from a backup, or remove the line and revoke again what it held",
        file.display()
    )]
    Damaged {
        /// The configured file.
        file: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// There is no room for another entry.
    #[error(
        "{max_entries} revocations are held and none has expired: raise `revocation.max_entries`"
    )]
    Full {
        /// As configured.
        max_entries: usize,
    },
    /// A name that no token can have.
    #[error("a name to revoke is empty, too long or has control characters")]
    Identifier,
    /// Another process writes to the file.
    #[error(
        "`{}` is in use by another process: give each its own `revocation.file`",
        file.display()
    )]
    InUse {
        /// The configured file.
        file: PathBuf,
    },
    /// The file cannot be read or written.
    #[error("cannot {action} `{}`", file.display())]
    Io {
        /// What was to be done.
        action: &'static str,
        /// The configured file, or one beside it.
        file: PathBuf,
        /// What the operating system says.
        source: Arc<io::Error>,
    },
    /// The shared store cannot be asked. A revocation holds in this process all the same, and
    /// everywhere as soon as the store answers again.
    #[error("the shared store does not say that it has the change")]
    Store,
    /// The thread that keeps the list has ended, or could not be started.
    #[error("the thread that keeps the revocations is not there")]
    Stopped,
    /// More issuers than are counted.
    #[error("tokens of more than 65,535 issuers were revoked")]
    TooManyIssuers,
}

impl RevocationError {
    pub(super) fn no_room(room: NoRoom, max_entries: usize) -> Self {
        match room {
            NoRoom::Entries => Self::Full { max_entries },
            NoRoom::Issuers => Self::TooManyIssuers,
        }
    }
}

impl From<RevocationError> for Rejection {
    fn from(error: RevocationError) -> Self {
        let rejection = Self::new(Refusal::Undecided, format!("revocation: {error}"));
        match error {
            RevocationError::Store => rejection.with_retry_after(2),
            _ => rejection,
        }
    }
}
