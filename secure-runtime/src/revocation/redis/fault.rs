//! What can go wrong with the store of revocations. Every kind is the same to a request.

use crate::store;

/// The sink does not take more entries.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("there is no room")]
pub(in crate::revocation) struct Full;

/// Why the store did not answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// Somebody emptied it under our hands, or it has another memory than the one that was opened.
    #[error("it has lost its contents")]
    Emptied,
    /// The entries do not fit.
    #[error("this process has no room for its entries: raise `revocation.max_entries`")]
    Full(#[from] Full),
    #[error(transparent)]
    Store(#[from] store::Fault),
}
