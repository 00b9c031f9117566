//! `web::Form`: the pairs of an HTML form in the body.

use actix_web::web;
use bytes::Bytes;
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

/// Reads the body.
async fn read(admitted: &mut Admitted) -> Result<Bytes, Rejection> {
    require(Media::Form, admitted.request().headers())?;
    admitted.body.read().await
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Rejection> {
    urlencoded::decode(bytes, SOURCE, Refusal::BodyMalformed)
}

impl<T, M> Input<M> for web::Form<T>
where
    T: DeserializeOwned + Validated<M>,
{
    const KIND: InputKind = InputKind::Body;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        let bytes = read(admitted).await?;
        let value: T = decode(&bytes)?;
        value
            .check(admitted.request())
            .map_err(|failure| failure.reject(SOURCE, || urlencoded::document(&bytes)))?;
        Ok(Self(value))
    }

    async fn is_absent(admitted: &mut Admitted) -> bool {
        admitted.body.is_absent().await
    }
}

impl<T: DeserializeOwned> Unvalidated for web::Form<T> {
    const KIND: InputKind = InputKind::BodyUnvalidated;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        decode(&read(admitted).await?).map(Self)
    }

    async fn is_absent(admitted: &mut Admitted) -> bool {
        admitted.body.is_absent().await
    }
}
