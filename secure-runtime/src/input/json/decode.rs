//! From bytes to a value of the handler's type.

use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::{
    super::{
        errors::{MAX_ERRORS, invalid, misfit, unknown_field},
        locate::{Step, locate},
    },
    SOURCE, leftover,
    scan::scan,
};
use crate::rejection::{Refusal, Rejection};

/// Decodes a whole body.
pub(in super::super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Rejection> {
    if bytes.is_empty() {
        return Err(malformed("the body is empty"));
    }
    let text = str::from_utf8(bytes).map_err(|_| malformed("the body is not UTF-8"))?;
    scan(text).map_err(|flaw| malformed(flaw.reason()))?;
    match leftover::decode(text) {
        Some(value) => Ok(value),
        None => decode_again(text),
    }
}

/// Decodes once more, and learns what is wrong and where: a request that is in order does not pay for
/// it.
fn decode_again<T: DeserializeOwned>(text: &str) -> Result<T, Rejection> {
    let mut unknown = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let decoded = serde_ignored::deserialize(&mut deserializer, |path| {
        if unknown.len() < MAX_ERRORS {
            unknown.push(steps(&path));
        }
    });
    match decoded.and_then(|value| deserializer.end().map(|()| value)) {
        Err(error) => Err(explain::<T>(text, &error)),
        Ok(_) if !unknown.is_empty() => Err(unknown_fields(text, &unknown)),
        Ok(value) => Ok(value),
    }
}

fn malformed(reason: &'static str) -> Rejection {
    Rejection::new(Refusal::BodyMalformed, reason)
}

/// The error once more, with its place.
fn explain<T: DeserializeOwned>(text: &str, error: &serde_json::Error) -> Rejection {
    match error.classify() {
        Category::Data => {}
        // What the scan lets pass: a number that is out of every range.
        Category::Eof | Category::Io | Category::Syntax => {
            return malformed("the body holds JSON that cannot be represented");
        }
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let Err(error) = serde_path_to_error::deserialize::<_, T>(&mut deserializer) else {
        // A `Deserialize` that does not answer the same twice.
        return invalid(Vec::new());
    };
    let message = error.inner().to_string();
    let place = format!(
        " at line {} column {}",
        error.inner().line(),
        error.inner().column()
    );
    let message = message.strip_suffix(&place).unwrap_or(&message);
    invalid(vec![misfit(SOURCE, error.path(), message)])
}

fn steps(path: &serde_ignored::Path<'_>) -> Vec<Step> {
    use serde_ignored::Path;

    let mut steps = Vec::new();
    let mut path = path;
    loop {
        path = match path {
            Path::Root => break,
            Path::Map { parent, key } => {
                steps.push(Step::Name(key.clone()));
                parent
            }
            Path::NewtypeStruct { parent }
            | Path::NewtypeVariant { parent }
            | Path::Some { parent } => parent,
            Path::Seq { parent, index } => {
                steps.push(Step::Index(*index));
                parent
            }
        };
    }
    steps.reverse();
    steps
}

fn unknown_fields(text: &str, unknown: &[Vec<Step>]) -> Rejection {
    // The text was decoded once: this cannot fail, and `Null` only shortens the pointers.
    let document = serde_json::from_str(text).unwrap_or_default();
    let errors = unknown
        .iter()
        .map(|steps| unknown_field(SOURCE, locate(&document, steps)))
        .collect();
    invalid(errors)
}
