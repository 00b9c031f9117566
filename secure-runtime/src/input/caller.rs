//! The caller: `Principal` and `Claims`, verified before anything is read; and what can log one
//! in and out, lock one out, or ban it.

use serde::de::DeserializeOwned;

use super::Input;
#[cfg(feature = "passwords")]
use crate::data::password::Passwords;
use crate::{
    address::ClientConnection,
    admission::Admitted,
    auth::{Claims, Principal},
    bans::BanList,
    login::Logins,
    policy::InputKind,
    rejection::{Refusal, Rejection},
    revocation::RevocationList,
    tokens::TokenIssuer,
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

impl Input for ClientConnection {
    const KIND: InputKind = InputKind::Server;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        let (security, request) = (admitted.security(), admitted.request());
        Ok(Self::new(security, request, admitted.address))
    }
}

impl Input for BanList {
    const KIND: InputKind = InputKind::Server;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        Ok(admitted.security().bans().clone())
    }
}

#[cfg(feature = "otp")]
impl Input for crate::otp::OneTimeCodes {
    const KIND: InputKind = InputKind::Server;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        Ok(admitted.security().one_time_codes().clone())
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

#[cfg(feature = "passwords")]
impl Input for Passwords {
    const KIND: InputKind = InputKind::Server;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        Ok(admitted.security().passwords().clone())
    }
}

impl Input for TokenIssuer {
    const KIND: InputKind = InputKind::TokenIssuer;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        admitted.security().token_issuer().cloned()
    }
}
