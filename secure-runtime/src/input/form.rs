//! `web::Form`: the pairs of an HTML form in the body.

use actix_web::web;
use serde::de::DeserializeOwned;

use super::{
    Input, Unvalidated, Validated,
    content_type::{Media, require},
    urlencoded,
};
use crate::{
    admission::Admitted,
    policy::InputKind,
    rejection::{Refusal, Rejection},
};

const SOURCE: &str = "body";

/// Reads and decodes the body.
pub(super) async fn read<T: DeserializeOwned>(admitted: &mut Admitted) -> Result<T, Rejection> {
    require(Media::Form, admitted.request().headers())?;
    urlencoded::decode(
        &admitted.body().read().await?,
        SOURCE,
        Refusal::BodyMalformed,
    )
}

impl<T, M> Input<M> for web::Form<T>
where
    T: DeserializeOwned + Validated<M>,
{
    const KIND: InputKind = InputKind::Body;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        let value: T = read(admitted).await?;
        value.check(SOURCE, admitted.request())?;
        Ok(Self(value))
    }

    async fn is_absent(admitted: &mut Admitted) -> bool {
        admitted.body().is_absent().await
    }
}

impl<T: DeserializeOwned> Unvalidated for web::Form<T> {
    const KIND: InputKind = InputKind::BodyUnvalidated;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        read(admitted).await.map(Self)
    }

    async fn is_absent(admitted: &mut Admitted) -> bool {
        admitted.body().is_absent().await
    }
}
