//! What the head of a request tells of its body, and which fields it has.

use actix_web::http::header::{self, HeaderMap};

use crate::{
    address::Sent,
    rejection::{Refusal, Rejection},
};

/// Which of the fields that are judged a request has.
#[derive(Clone, Copy, Default)]
pub(super) struct Fields {
    content_encoding: bool,
    content_length: bool,
    pub(super) forwarding: Sent,
    upgrade: bool,
}

impl Fields {
    /// Up to here one look at each field costs less than to look for ours.
    const FEW: usize = 8;

    pub(super) fn of(headers: &HeaderMap) -> Self {
        if headers.len_keys() > Self::FEW {
            return Self {
                content_encoding: headers.contains_key(header::CONTENT_ENCODING),
                content_length: headers.contains_key(header::CONTENT_LENGTH),
                forwarding: Sent::of(headers),
                upgrade: headers.contains_key(header::UPGRADE),
            };
        }
        let mut found = Self::default();
        for name in headers.keys() {
            match name.as_str() {
                "content-encoding" => found.content_encoding = true,
                "content-length" => found.content_length = true,
                "forwarded" => found.forwarding.forwarded = true,
                "upgrade" => found.upgrade = true,
                "x-forwarded-for" => found.forwarding.x_forwarded_for = true,
                _ => {}
            }
        }
        found
    }
}

/// The declared length and coding of the body, before any of it is read.
pub(super) fn declared_body(
    headers: &HeaderMap,
    fields: Fields,
    max_body: u64,
) -> Result<(), Rejection> {
    // With it actix takes all that follows for the body, whatever length is declared.
    if fields.upgrade {
        return Err(Rejection::new(
            Refusal::HeadMalformed,
            "the request asks for an `upgrade`",
        ));
    }
    if fields.content_length
        && let Some(length) = headers.get(header::CONTENT_LENGTH)
    {
        let length: u64 = length
            .to_str()
            .ok()
            .and_then(|length| length.parse().ok())
            .ok_or_else(|| {
                Rejection::new(Refusal::HeadMalformed, "`content-length` is not a number")
            })?;
        if length > max_body {
            return Err(Rejection::new(
                Refusal::BodyTooLarge,
                "the declared length is above the route's `max_body`",
            ));
        }
    }
    // A compressed body is refused before it can inflate.
    if fields.content_encoding
        && headers
            .get_all(header::CONTENT_ENCODING)
            .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        return Err(Rejection::new(
            Refusal::ContentCodingUnsupported,
            "the body has a `content-encoding`",
        ));
    }
    Ok(())
}
