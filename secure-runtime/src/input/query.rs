//! `web::Query`: the pairs after the question mark.

use actix_web::{HttpRequest, web};
use serde::de::DeserializeOwned;

use super::{Input, Unvalidated, Validated, urlencoded};
use crate::{
    admission::Admitted,
    policy::InputKind,
    rejection::{Refusal, Rejection},
};

const SOURCE: &str = "query";

/// Decodes the query.
pub(super) fn read<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, Rejection> {
    let query = request.query_string().as_bytes();
    urlencoded::decode(query, SOURCE, Refusal::HeadMalformed)
}

impl<T, M> Input<M> for web::Query<T>
where
    T: DeserializeOwned + Validated<M>,
{
    const KIND: InputKind = InputKind::Head;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        let value: T = read(admitted.request())?;
        let request = admitted.request();
        value.check(request).map_err(|failure| {
            failure.reject(SOURCE, || {
                urlencoded::document(request.query_string().as_bytes())
            })
        })?;
        Ok(Self(value))
    }

    async fn is_absent(admitted: &mut Admitted) -> bool {
        admitted.request().query_string().is_empty()
    }
}

impl<T: DeserializeOwned> Unvalidated for web::Query<T> {
    const KIND: InputKind = InputKind::HeadUnvalidated;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        read(admitted.request()).map(Self)
    }

    async fn is_absent(admitted: &mut Admitted) -> bool {
        admitted.request().query_string().is_empty()
    }
}
