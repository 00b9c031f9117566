//! `web::Form`: the pairs of an HTML form in the body.

use actix_web::{HttpRequest, web};
use serde::de::DeserializeOwned;

use super::{
    Input, Unvalidated, Validated,
    body::Body,
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
pub(super) async fn read<T: DeserializeOwned>(
    request: &HttpRequest,
    body: &mut Body,
) -> Result<T, Rejection> {
    require(Media::Form, request.headers())?;
    urlencoded::decode(&body.read().await?, SOURCE, Refusal::BodyMalformed)
}

impl<T, M> Input<M> for web::Form<T>
where
    T: DeserializeOwned + Validated<M>,
{
    const KIND: InputKind = InputKind::Body;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        let value: T = read(&admitted.request, &mut admitted.body).await?;
        value.check(SOURCE, &admitted.request)?;
        Ok(Self(value))
    }

    async fn is_absent(admitted: &mut Admitted) -> bool {
        admitted.body.is_absent().await
    }
}

impl<T: DeserializeOwned> Unvalidated for web::Form<T> {
    const KIND: InputKind = InputKind::BodyUnvalidated;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        read(&admitted.request, &mut admitted.body).await.map(Self)
    }

    async fn is_absent(admitted: &mut Admitted) -> bool {
        admitted.body.is_absent().await
    }
}
