//! Which media types a decoder reads.

use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use mime::Mime;

use crate::rejection::{Refusal, Rejection};

/// A kind of body that a decoder reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/x-www-form-urlencoded`
    Form,
    /// `application/json` and `application/*+json`
    Json,
    /// `multipart/form-data`
    #[cfg(feature = "multipart")]
    Multipart,
    /// `text/*`
    Text,
}

/// Refuses a request whose `Content-Type` is missing, given twice, or not of this kind (415).
///
/// A `charset` other than UTF-8 is refused too: we would decode it wrongly.
pub(super) fn require(media: Media, headers: &HeaderMap) -> Result<(), Rejection> {
    let mut fields = headers.get_all(CONTENT_TYPE);
    let reason = match (fields.next(), fields.next()) {
        (None, _) => "Content-Type is missing",
        (Some(_), Some(_)) => "Content-Type was sent twice",
        (Some(field), None) => {
            if media.is(field.as_bytes()) {
                return Ok(());
            }
            "Content-Type is not one that the handler reads"
        }
    };
    Err(Rejection::new(Refusal::ContentTypeUnsupported, reason))
}

impl Media {
    fn is(self, field: &[u8]) -> bool {
        // What nearly every client sends needs no parser.
        if self == Self::Json && field == b"application/json" {
            return true;
        }
        str::from_utf8(field)
            .ok()
            .and_then(|field| field.parse::<Mime>().ok())
            .is_some_and(|mime| self.matches(&mime) && charset_is_utf8(&mime))
    }

    fn matches(self, mime: &Mime) -> bool {
        match self {
            Self::Form => mime.essence_str() == mime::APPLICATION_WWW_FORM_URLENCODED.as_ref(),
            Self::Json => {
                mime.type_() == mime::APPLICATION
                    && match mime.suffix() {
                        None => mime.subtype() == mime::JSON,
                        Some(suffix) => suffix == mime::JSON,
                    }
            }
            #[cfg(feature = "multipart")]
            Self::Multipart => mime.essence_str() == mime::MULTIPART_FORM_DATA.as_ref(),
            Self::Text => mime.type_() == mime::TEXT,
        }
    }
}

fn charset_is_utf8(mime: &Mime) -> bool {
    mime.params()
        .filter(|(name, _)| *name == mime::CHARSET)
        .all(|(_, value)| value == mime::UTF_8)
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test stops at the first thing that is not as it should be"
)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn media_types() {
        use Media::*;
        for (media, field, accepted) in [
            (Json, "application/json", true),
            (Json, "Application/JSON", true),
            (Json, "application/json; charset=utf-8", true),
            (Json, "application/json;charset=\"UTF-8\"", true),
            (Json, "application/json; version=2", true),
            (Json, "application/vnd.api+json", true),
            (Json, "application/problem+json; charset=utf-8", true),
            (Json, "application/json; charset=utf-16", false),
            (
                Json,
                "application/json; charset=utf-8; charset=utf-16",
                false,
            ),
            (Json, "application/json+xml", false),
            (Json, "application/jsonp", false),
            (Json, "application/json, text/plain", false),
            (Json, "text/json", false),
            (Json, "text/plain", false),
            (Json, "json", false),
            (Json, "", false),
            (Form, "application/x-www-form-urlencoded", true),
            (
                Form,
                "application/x-www-form-urlencoded; charset=UTF-8",
                true,
            ),
            (
                Form,
                "application/x-www-form-urlencoded; charset=latin1",
                false,
            ),
            (Form, "multipart/form-data; boundary=x", false),
            (Text, "text/plain", true),
            (Text, "text/csv; charset=utf-8", true),
            (Text, "text/plain; charset=iso-8859-1", false),
            (Text, "application/octet-stream", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(field));
            assert_eq!(
                require(media, &headers).is_ok(),
                accepted,
                "{media:?} {field}"
            );
        }
    }

    #[test]
    fn h13_missing_or_repeated_content_type_is_415() {
        let mut headers = HeaderMap::new();
        let missing = require(Media::Json, &headers).unwrap_err();
        assert_eq!(missing.refusal().status(), 415);

        for _ in 0..2 {
            headers.append(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let twice = require(Media::Json, &headers).unwrap_err();
        assert_eq!(twice.refusal().status(), 415);
    }
}
