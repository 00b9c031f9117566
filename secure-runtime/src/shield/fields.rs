//! The security fields of every response.

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// Fields for the answers of an API (OWASP REST security; REQUIREMENTS T3, T5). What the handler
/// has set itself stands, but for HSTS, of which there must be exactly one.
pub(super) fn add_fields(headers: &mut HeaderMap, secure: bool) {
    // A response has few fields, so that one look at each costs less than to look for ours.
    let mut has = Fields::default();
    for name in headers.keys() {
        has.note(name.as_str());
    }
    // No type is whatever a browser takes it for.
    let mut types = headers.get_all(header::CONTENT_TYPE);
    let may_be_document = types.len() == 0 || !types.all(is_no_document);
    headers.reserve(Fields::MOST);
    // Where nothing is there to be replaced, `append` does what the slower `insert` would.
    let mut add = |is_set: bool, name: HeaderName, value: HeaderValue| {
        if !is_set {
            headers.append(name, value);
        }
    };
    add(has.cache_control, header::CACHE_CONTROL, NO_STORE);
    add(
        has.content_security_policy,
        header::CONTENT_SECURITY_POLICY,
        NO_CONTENT,
    );
    add(has.resource_policy, RESOURCE_POLICY, SAME_ORIGIN);
    add(has.referrer_policy, header::REFERRER_POLICY, NO_REFERRER);
    add(
        has.content_type_options,
        header::X_CONTENT_TYPE_OPTIONS,
        NO_SNIFF,
    );
    add(has.frame_options, header::X_FRAME_OPTIONS, DENY);
    if may_be_document {
        add(has.permissions, PERMISSIONS_POLICY, NO_PERMISSIONS);
    }
    if secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, TWO_YEARS);
    } else if has.hsts {
        // Over plain HTTP the field must not be sent (RFC 6797 section 7.2).
        headers.remove(header::STRICT_TRANSPORT_SECURITY);
    }
}

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

const DENY: HeaderValue = HeaderValue::from_static("DENY");
const NO_CONTENT: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
const NO_PERMISSIONS: HeaderValue = HeaderValue::from_static(
    "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()",
);
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
const NO_SNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
const TWO_YEARS: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains");

/// What a response has of the fields that it is to have.
#[derive(Default)]
struct Fields {
    cache_control: bool,
    content_security_policy: bool,
    content_type_options: bool,
    frame_options: bool,
    hsts: bool,
    permissions: bool,
    referrer_policy: bool,
    resource_policy: bool,
}

impl Fields {
    /// Most fields that are added.
    const MOST: usize = 8;

    fn note(&mut self, name: &str) {
        let has = match name {
            "cache-control" => &mut self.cache_control,
            "content-security-policy" => &mut self.content_security_policy,
            "cross-origin-resource-policy" => &mut self.resource_policy,
            "permissions-policy" => &mut self.permissions,
            "referrer-policy" => &mut self.referrer_policy,
            "strict-transport-security" => &mut self.hsts,
            "x-content-type-options" => &mut self.content_type_options,
            "x-frame-options" => &mut self.frame_options,
            _ => return,
        };
        *has = true;
    }
}

/// Types of what no browser runs as a document. All others may be one, what has no type too.
const NO_DOCUMENTS: [&[u8]; 3] = [
    b"application/json",
    b"application/problem+json",
    b"text/plain",
];

/// Whether a `Content-Type` says that there is no document.
fn is_no_document(value: &HeaderValue) -> bool {
    let value = value.as_bytes();
    NO_DOCUMENTS.iter().any(|no_document| {
        value
            .split_at_checked(no_document.len())
            .is_some_and(|(essence, parameters)| {
                let ends = matches!(parameters.trim_ascii_start().first(), None | Some(b';'));
                // Nearly all are in lower case, for which it costs less.
                ends && (essence == *no_document || essence.eq_ignore_ascii_case(no_document))
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: [&str; 7] = [
        "cache-control",
        "content-security-policy",
        "cross-origin-resource-policy",
        "permissions-policy",
        "referrer-policy",
        "x-content-type-options",
        "x-frame-options",
    ];

    fn with(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            let name = HeaderName::from_static(name);
            headers.append(name, HeaderValue::from_static(value));
        }
        add_fields(&mut headers, false);
        headers
    }

    /// T5
    #[test]
    fn what_a_handler_set_stands_and_the_rest_is_added_once() {
        for set in OURS {
            let headers = with(&[(set, "its own"), (set, "twice")]);
            for name in OURS {
                let values: Vec<_> = headers.get_all(name).collect();
                if name == set {
                    assert_eq!(values, ["its own", "twice"], "{name}");
                } else {
                    assert_eq!(values.len(), 1, "{name} beside {set}");
                }
            }
            assert_eq!(headers.len_keys(), OURS.len());
        }
    }

    /// T5: one type among several that may be a document is enough.
    #[test]
    fn permissions_are_told_where_html_is_possible() {
        let has = |types: &[&'static str]| {
            let types: Vec<_> = types.iter().map(|&value| ("content-type", value)).collect();
            with(&types).contains_key("permissions-policy")
        };
        for document in [
            "text/html",
            "image/svg+xml",
            "application/xhtml+xml; charset=utf-8",
            "application/jsonp",
            "text/plainer",
            "",
        ] {
            assert!(has(&[document]), "{document}");
            assert!(has(&["application/json", document]));
            assert!(has(&[document, "application/json"]));
        }
        assert!(has(&[]));
        for no_document in [
            "application/json",
            "Application/JSON ; charset=utf-8",
            "application/problem+json",
            "text/plain; charset=utf-8",
        ] {
            assert!(!has(&[no_document]), "{no_document}");
        }
    }

    /// T3
    #[test]
    fn hsts_is_ours_or_none() {
        let hsts = HeaderName::from_static("strict-transport-security");
        for secure in [false, true] {
            let mut headers = HeaderMap::new();
            headers.append(hsts.clone(), HeaderValue::from_static("max-age=1"));
            add_fields(&mut headers, secure);
            let values: Vec<_> = headers.get_all(&hsts).collect();
            match secure {
                true => assert_eq!(values, ["max-age=63072000; includeSubDomains"]),
                false => assert!(values.is_empty()),
            }
        }
    }
}
