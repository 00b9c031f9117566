//! Strict JSON: UTF-8 only, no member name twice at any level, bounded depth, finite numbers.
//!
//! Parsers disagree about which of two members with one name counts; a token that means one
//! thing to its issuer and another to us must not exist. Names are compared after their escapes
//! were resolved.
//!
//! serde_json reads an object and cuts out the texts of its values. What it would make of a number
//! depends on features that any crate of an application may turn on.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// Claims nest two or three deep; nobody needs more than this.
const MAX_DEPTH: usize = 16;
/// Names of so many members are compared each with each; of more they are sorted, so that a stranger
/// cannot make quadratic work of them.
const FEW: usize = 24;

/// A JSON value.
#[derive(Debug)]
pub(super) enum Json<'a> {
    Array(Vec<Json<'a>>),
    /// `true` or `false`: no rule of ours asks which.
    Bool,
    Null,
    Number(f64),
    Object(Object<'a>),
    Text(Cow<'a, str>),
}

/// The members of a JSON object, each name once.
#[derive(Debug)]
pub(super) struct Object<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

impl<'a> Object<'a> {
    pub(super) fn get(&self, name: &str) -> Option<&Json<'a>> {
        self.iter()
            .find_map(|(known, value)| (known == name).then_some(value))
    }

    /// In the order of the text.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Json<'a>)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    fn is_unambiguous(&self) -> bool {
        let names = || self.iter().map(|(name, _)| name);
        if self.0.len() <= FEW {
            return names()
                .enumerate()
                .all(|(number, name)| names().take(number).all(|before| before != name));
        }
        let mut names = names().collect::<Vec<_>>();
        names.sort_unstable();
        names.is_sorted_by(|one, next| one != next)
    }
}

impl<'a> IntoIterator for Object<'a> {
    type Item = (Cow<'a, str>, Json<'a>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Parses a text that must be one object.
pub(super) fn object(text: &str) -> Option<Object<'_>> {
    members(text, MAX_DEPTH)
}

/// `text` is a value whose grammar was checked, without white space around it: a [`RawValue`].
fn value(text: &str, depth: usize) -> Option<Json<'_>> {
    Some(match text.as_bytes().first()? {
        b'{' => Json::Object(members(text, depth)?),
        b'[' => {
            let depth = depth.checked_sub(1)?;
            let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            let items = items.into_iter().map(|item| value(item.get(), depth));
            Json::Array(items.collect::<Option<_>>()?)
        }
        b'"' => Json::Text(match text.strip_prefix('"')?.strip_suffix('"')? {
            // Only an escape can be wrong yet: half a pair.
            inner if inner.contains('\\') => serde_json::from_str::<Text<'_>>(text).ok()?.0,
            inner => Cow::Borrowed(inner),
        }),
        b'n' => Json::Null,
        b't' | b'f' => Json::Bool,
        // "1e999" is infinite.
        _ => Json::Number(
            text.parse()
                .ok()
                .filter(|number: &f64| number.is_finite())?,
        ),
    })
}

fn members(text: &str, depth: usize) -> Option<Object<'_>> {
    let depth = depth.checked_sub(1)?;
    let Members(raw) = serde_json::from_str(text).ok()?;
    let mut members = Vec::with_capacity(raw.len());
    for (name, raw) in raw {
        members.push((name, value(raw.get(), depth)?));
    }
    let members = Object(members);
    members.is_unambiguous().then_some(members)
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The members of an object, and the texts of their values.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                // As many as an access token has, so that there is one allocation.
                let mut members = Vec::with_capacity(16);
                while let Some((Text(name), raw)) = map.next_entry::<Text<'de>, &RawValue>()? {
                    members.push((name, raw));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}

#[cfg(test)]
mod tests;
