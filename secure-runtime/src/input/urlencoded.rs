//! `application/x-www-form-urlencoded`, as it stands in queries and forms.
//!
//! A list is not several pairs of one name: a name that comes twice is refused, because the parts
//! of a system disagree on which one counts (parameter pollution, ASVS 15.3.7).

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    errors::{MAX_ERRORS, invalid, misfit, unknown_field},
    names::Names,
    pointer::Pointer,
};
use crate::rejection::{Refusal, Rejection};

/// Most pairs that are decoded.
pub(super) const MAX_PAIRS: usize = 256;

/// Decodes a whole text; what cannot be decoded is refused as `malformed`.
pub(super) fn decode<T: DeserializeOwned>(
    text: &[u8],
    source: &'static str,
    malformed: Refusal,
) -> Result<T, Rejection> {
    check(text).map_err(|reason| Rejection::new(malformed, reason))?;

    let mut unknown = Vec::new();
    let decoded = serde_ignored::deserialize(deserializer(text), |path| {
        if let serde_ignored::Path::Map { key, .. } = path
            && unknown.len() < MAX_ERRORS
        {
            let mut pointer = Pointer::default();
            pointer.push(&key);
            unknown.push(unknown_field(source, pointer));
        }
    });
    match decoded {
        Err(_) => Err(explain::<T>(text, source)),
        Ok(_) if !unknown.is_empty() => Err(invalid(unknown)),
        Ok(value) => Ok(value),
    }
}

fn deserializer(text: &[u8]) -> serde_urlencoded::Deserializer<'_> {
    serde_urlencoded::Deserializer::new(form_urlencoded::parse(text))
}

/// Decodes once more to learn where the error is.
fn explain<T: DeserializeOwned>(text: &[u8], source: &'static str) -> Rejection {
    match serde_path_to_error::deserialize::<_, T>(deserializer(text)) {
        Err(error) => invalid(vec![misfit(
            source,
            error.path(),
            &error.inner().to_string(),
        )]),
        // A `Deserialize` that does not answer the same twice.
        Ok(_) => invalid(Vec::new()),
    }
}

/// The names in a text, for pointers to them.
pub(super) fn document(text: &[u8]) -> Value {
    form_urlencoded::parse(text)
        .map(|(name, _)| (name, Value::Null))
        .collect()
}

/// Refuses what the parser would repair or what two parsers would read differently.
fn check(text: &[u8]) -> Result<(), &'static str> {
    if !is_well_formed(text) {
        return Err("a percent-escape is malformed or its bytes are not UTF-8");
    }
    let mut names = Names::default();
    let mut set = names.open();
    for (count, (name, _)) in form_urlencoded::parse(text).enumerate() {
        if count >= MAX_PAIRS {
            return Err("there are too many pairs");
        }
        if !names.insert(&mut set, name) {
            return Err("a name comes twice");
        }
    }
    Ok(())
}

/// Whether each `%` is followed by two hexadecimal digits, and each name and value is UTF-8.
pub(super) fn is_well_formed(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        let escape = rest.get(at + 1..at + 3);
        if !escape.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
            return false;
        }
        rest = rest.get(at + 3..).unwrap_or_default();
    }
    text.split(|byte| matches!(byte, b'&' | b'='))
        .all(|part| percent_encoding::percent_decode(part).decode_utf8().is_ok())
}
