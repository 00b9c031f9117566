//! `MultipartForm`: the fields and files of a `multipart/form-data` body.
//!
//! actix-multipart reads the fields; its limits and its configuration do not apply, the route's
//! policy does: `max_body` is the limit of the whole form, and [`MAX_MEMORY`] of what its fields
//! keep in memory. `#[multipart(limit = "..")]` sets a limit for one field. A form has at most
//! [`MAX_PARTS`] fields and files.
//!
//! A field that the form does not have is refused. A field that comes twice is seen only by the
//! form: put `#[multipart(duplicate_field = "deny")]` on it, or it keeps the first.

use std::collections::HashMap;

use actix_multipart::{
    Multipart, MultipartError,
    form::{Limits, MultipartCollect, MultipartForm, State},
};
use actix_web::{HttpRequest, error::PayloadError, http::StatusCode};
use futures_util::TryStreamExt;
use serde_json::Value;

use super::{
    Input, Unvalidated, Validated,
    content_type::{Media, require},
    errors::{UNKNOWN_FIELD, invalid},
    pointer::Pointer,
};
use crate::{
    admission::Admitted,
    policy::InputKind,
    rejection::{InputError, Refusal, Rejection},
};

const SOURCE: &str = "body";

/// Most bytes that fields such as `Text` and `Bytes` keep in memory together; a `TempFile` keeps
/// none. A route that takes large uploads must not hold them in memory by accident.
const MAX_MEMORY: usize = 2 * 1024 * 1024;

/// Most fields and files of one form. Each may keep a file open, and a file of no bytes takes less
/// than 100 of the body: a body of the default size would open hundreds.
const MAX_PARTS: usize = 128;

/// Reads the form.
async fn read<T: MultipartCollect>(admitted: &mut Admitted) -> Result<T, Rejection> {
    require(Media::Multipart, admitted.request().headers())?;
    let max_body = usize::try_from(admitted.body.limit()).unwrap_or(usize::MAX);
    let stream = admitted.body.take_stream()?;
    let request = admitted.request();
    let form = Multipart::new(request.headers(), stream);
    let limits = Limits::new(max_body, max_body.min(MAX_MEMORY));
    let collected = collect(request, form, limits).await;
    collected.map_err(|error| admitted.body.refusal().unwrap_or_else(|| refuse(error)))
}

async fn collect<T: MultipartCollect>(
    request: &HttpRequest,
    mut form: Multipart,
    mut limits: Limits,
) -> Result<T, MultipartError> {
    let mut state = State::default();
    // Fields of one name share one limit.
    let mut field_limits = HashMap::new();
    let mut parts = 0;
    while let Some(field) = form.try_next().await? {
        parts += 1;
        if parts > MAX_PARTS {
            return Err(MultipartError::Payload(PayloadError::Overflow));
        }
        let Some(name) = field.name().map(str::to_owned) else {
            return Err(MultipartError::ContentDispositionNameMissing);
        };
        let limit = *field_limits
            .entry(name.clone())
            .or_insert_with(|| T::limit(&name));
        limits.field_limit_remaining = limit;
        T::handle_field(request, field, &mut limits, &mut state).await?;
        if !state.contains_key(&name) {
            return Err(MultipartError::UnknownField(name));
        }
        field_limits.insert(name, limits.field_limit_remaining);
    }
    T::from_state(state)
}

fn refuse(error: MultipartError) -> Rejection {
    match error {
        MultipartError::BoundaryMissing
        | MultipartError::ContentTypeIncompatible
        | MultipartError::ContentTypeMissing
        | MultipartError::ContentTypeParse => Rejection::new(
            Refusal::ContentTypeUnsupported,
            "Content-Type is not a multipart form",
        ),
        MultipartError::DuplicateField(name) => misfit(&name, "given more than once"),
        MultipartError::Field { name, source } => match source.as_response_error().status_code() {
            StatusCode::PAYLOAD_TOO_LARGE => too_large(),
            status if status.is_client_error() => misfit(&name, "not of the expected form"),
            _ => Rejection::new(
                Refusal::NotConfigured,
                "a field of the form cannot be stored",
            ),
        },
        MultipartError::MissingField(name) => misfit(&name, "required"),
        MultipartError::Payload(PayloadError::Overflow) => too_large(),
        MultipartError::UnknownField(name) => misfit(&name, UNKNOWN_FIELD),
        // What is left is a form that cannot be taken apart.
        _ => Rejection::new(Refusal::BodyMalformed, "the multipart form is malformed"),
    }
}

fn too_large() -> Rejection {
    Rejection::new(
        Refusal::BodyTooLarge,
        "the form, a field of it or their number exceeds its limit",
    )
}

fn misfit(name: &str, detail: &str) -> Rejection {
    let mut pointer = Pointer::default();
    pointer.push(name);
    invalid(vec![InputError {
        source: SOURCE,
        pointer: pointer.finish(),
        detail: detail.to_owned(),
    }])
}

impl<T, M> Input<M> for MultipartForm<T>
where
    T: MultipartCollect + Validated<M>,
{
    const KIND: InputKind = InputKind::Body;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        let form: T = read(admitted).await?;
        form.check(admitted.request())
            .map_err(|failure| failure.reject(SOURCE, || Value::Null))?;
        Ok(Self(form))
    }

    async fn is_absent(admitted: &mut Admitted) -> bool {
        admitted.body.is_absent().await
    }
}

impl<T: MultipartCollect> Unvalidated for MultipartForm<T> {
    const KIND: InputKind = InputKind::BodyUnvalidated;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        read(admitted).await.map(Self)
    }

    async fn is_absent(admitted: &mut Admitted) -> bool {
        admitted.body.is_absent().await
    }
}
