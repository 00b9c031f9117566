//! The caller: `Principal` and `Claims`, verified before anything is read; and what can log one
//! out, or let one in again.

use serde::de::DeserializeOwned;

use super::Input;
use crate::{
    admission::Admitted,
    auth::{Claims, Principal},
    login::Logins,
    policy::InputKind,
    rejection::{Refusal, Rejection},
    revocation::RevocationList,
};

impl Input for Principal {
    const KIND: InputKind = InputKind::Caller;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        admitted.principal.clone().ok_or_else(|| {
            Rejection::new(
                Refusal::NotConfigured,
                "the handler takes a caller and its policy asks for none",
            )
        })
    }

    /// A public route asks for no credentials, so those of a caller who sent some are verified
    /// only here.
    async fn take_optional(admitted: &mut Admitted) -> Result<Option<Self>, Rejection> {
        match &admitted.principal {
            Some(principal) => Ok(Some(principal.clone())),
            None => admitted.optional_principal().await,
        }
    }
}

impl<T: DeserializeOwned> Input for Claims<T> {
    const KIND: InputKind = InputKind::Caller;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        Principal::take(admitted).await?.claims().map(Self)
    }

    async fn take_optional(admitted: &mut Admitted) -> Result<Option<Self>, Rejection> {
        let principal = Principal::take_optional(admitted).await?;
        principal
            .map(|principal| principal.claims().map(Self))
            .transpose()
    }
}

impl Input for RevocationList {
    const KIND: InputKind = InputKind::Server;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        Ok(admitted.security().revocations().clone())
    }
}

impl Input for Logins {
    const KIND: InputKind = InputKind::Server;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        Ok(admitted.security().logins().clone())
    }
}
