//! `web::Json`: an object, an array or a value in the body, decoded by us.
//!
//! A body is decoded in three steps: it is UTF-8; it is one JSON text without duplicate keys and
//! of bounded depth ([`scan`]); it fits the type, with no field left over. What fails in the first
//! two is malformed (400), what fails in the third is invalid (422). What is wrong there is looked for
//! by decoding again, at most twice.
//!
//! # Unknown fields
//!
//! A field is unknown when the type's `Deserialize` throws it away. Serde collects the fields of a
//! struct with `#[serde(flatten)]`, and of untagged, internally and adjacently tagged enums, before
//! it looks at them: fields that nobody wants are not seen there. Put
//! `#[serde(deny_unknown_fields)]` on such enums and their parts; with `flatten` serde offers
//! nothing. A map or a `serde_json::Value` knows every field.

mod decode;
mod leftover;
mod scan;

use actix_web::web;
use bytes::Bytes;
use serde::de::DeserializeOwned;

pub(super) use self::decode::decode;
use super::{
    Input, Unvalidated, Validated,
    content_type::{Media, require},
};
use crate::{admission::Admitted, policy::InputKind, rejection::Rejection};

const SOURCE: &str = "body";

/// Reads the body.
async fn read(admitted: &mut Admitted) -> Result<Bytes, Rejection> {
    require(Media::Json, admitted.request().headers())?;
    admitted.body.read().await
}

impl<T, M> Input<M> for web::Json<T>
where
    T: DeserializeOwned + Validated<M>,
{
    const KIND: InputKind = InputKind::Body;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        let bytes = read(admitted).await?;
        let value: T = decode(&bytes)?;
        value.check(admitted.request()).map_err(|failure| {
            failure.reject(SOURCE, || {
                serde_json::from_slice(&bytes).unwrap_or_default()
            })
        })?;
        Ok(Self(value))
    }

    async fn is_absent(admitted: &mut Admitted) -> bool {
        admitted.body.is_absent().await
    }
}

impl<T: DeserializeOwned> Unvalidated for web::Json<T> {
    const KIND: InputKind = InputKind::BodyUnvalidated;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        decode(&read(admitted).await?).map(Self)
    }

    async fn is_absent(admitted: &mut Admitted) -> bool {
        admitted.body.is_absent().await
    }
}
