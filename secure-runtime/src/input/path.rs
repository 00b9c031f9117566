//! `web::Path`: the variable segments of the path.

use actix_router::PathDeserializer;
use actix_web::{HttpRequest, web};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

use super::{
    Input, Unvalidated, Validated,
    detail::Detail,
    errors::{invalid, misfit},
    pointer::Pointer,
    urlencoded::is_well_formed,
};
use crate::{
    admission::Admitted,
    policy::InputKind,
    rejection::{InputError, Refusal, Rejection},
};

const SOURCE: &str = "path";

/// Decodes the segments.
pub(super) fn read<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, Rejection> {
    let segments = request.match_info();
    // The path as it was sent comes first: in the segments the router has put U+FFFD where bytes
    // are not UTF-8.
    let sent = [request.path()].into_iter();
    let mut texts = sent.chain(segments.iter().map(|(_, segment)| segment));
    if !texts.all(|text| is_well_formed(text.as_bytes())) {
        return Err(Rejection::new(
            Refusal::HeadMalformed,
            "a percent-escape in the path is malformed or its bytes are not UTF-8",
        ));
    }
    serde_path_to_error::deserialize(PathDeserializer::new(segments))
        .map_err(|error| explain(request, error.path(), &error.inner().to_string()))
}

fn explain(request: &HttpRequest, path: &serde_path_to_error::Path, message: &str) -> Rejection {
    // The type asks for what the route's pattern does not have: no client can repair that.
    if message.starts_with("wrong number of parameters: ") || message.starts_with("missing field `")
    {
        return Rejection::new(
            Refusal::NotConfigured,
            "the handler's `web::Path` asks for parameters that its route does not have",
        );
    }
    let name = |index| request.match_info().iter().nth(index).map(|(name, _)| name);
    // Tuples and single values are pointed at by the parameter's name as well.
    let name = match path.iter().next() {
        None => name(0),
        Some(Segment::Seq { index }) => name(*index),
        Some(_) => None,
    };
    let error = match name {
        None => misfit(SOURCE, path, message),
        Some(name) => {
            let mut pointer = Pointer::default();
            pointer.push(name);
            InputError {
                source: SOURCE,
                pointer: pointer.finish(),
                detail: Detail::of(message).text,
            }
        }
    };
    invalid(vec![error])
}

impl<T, M> Input<M> for web::Path<T>
where
    T: DeserializeOwned + Validated<M>,
{
    const KIND: InputKind = InputKind::Head;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        let value: T = read(admitted.request())?;
        let request = admitted.request();
        value.check(request).map_err(|failure| {
            failure.reject(SOURCE, || {
                request
                    .match_info()
                    .iter()
                    .map(|(name, _)| (name.to_owned(), Value::Null))
                    .collect()
            })
        })?;
        Ok(Self::from(value))
    }
}

impl<T: DeserializeOwned> Unvalidated for web::Path<T> {
    const KIND: InputKind = InputKind::HeadUnvalidated;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        read::<T>(admitted.request()).map(Self::from)
    }
}
