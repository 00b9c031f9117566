//! `Option` of an input: nothing sent is `None`, something wrong is still refused.

use super::{Input, Unvalidated};
use crate::{admission::Admitted, policy::InputKind, rejection::Rejection};

/// A caller who need not be there asks for no credentials.
const fn optional(kind: InputKind) -> InputKind {
    match kind {
        InputKind::Caller => InputKind::Server,
        kind => kind,
    }
}

impl<T: Input<M>, M> Input<M> for Option<T> {
    const KIND: InputKind = optional(T::KIND);

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        T::take_optional(admitted).await
    }
}

impl<T: Unvalidated> Unvalidated for Option<T> {
    const KIND: InputKind = optional(T::KIND);

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        if T::is_absent(admitted).await {
            return Ok(None);
        }
        T::take(admitted).await.map(Some)
    }
}
