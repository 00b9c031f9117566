//! Strict JSON: UTF-8 only, no member name twice at any level, bounded depth, finite numbers.
//!
//! Parsers disagree about which of two members with one name counts; a token that means one
//! thing to its issuer and another to us must not exist. Names are compared after their escapes
//! were resolved.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// Claims nest two or three deep; nobody needs more than this.
const MAX_DEPTH: usize = 16;

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

/// The members of a JSON object.
pub(super) type Object<'a> = BTreeMap<Cow<'a, str>, Json<'a>>;

/// Parses a text that must be one object.
pub(super) fn object(text: &str) -> Option<Object<'_>> {
    members(text, MAX_DEPTH)
}

/// `text` has no white space around it, as is so for every [`RawValue`].
fn value(text: &str, depth: usize) -> Option<Json<'_>> {
    Some(match text.as_bytes().first()? {
        b'{' => Json::Object(members(text, depth)?),
        b'[' => {
            let depth = depth.checked_sub(1)?;
            let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            Json::Array(
                items
                    .into_iter()
                    .map(|item| value(item.get(), depth))
                    .collect::<Option<_>>()?,
            )
        }
        b'"' => Json::Text(serde_json::from_str::<Text<'_>>(text).ok()?.0),
        b'n' => Json::Null,
        b't' | b'f' => Json::Bool,
        // The grammar was checked when the raw value was cut out; "1e999" is infinite.
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
    raw.into_iter()
        .map(|(name, raw)| Some((name, value(raw.get(), depth)?)))
        .collect()
}

#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The members of an object, each name once.
struct Members<'a>(BTreeMap<Cow<'a, str>, &'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((Text(name), raw)) = map.next_entry::<Text<'de>, &RawValue>()? {
                    if members.insert(name, raw).is_some() {
                        return Err(A::Error::custom("a member name occurs twice"));
                    }
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_at_every_level_after_escapes() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"alg":1,"al\u0067":1}"#,
            r#"{"x":{"a":1,"a":1}}"#,
            r#"{"x":[[{"a":1,"\u0061":1}]]}"#,
        ] {
            assert!(object(text).is_none(), "{text}");
        }
        assert!(object(r#"{"a":{"a":{"a":[]}},"A":1}"#).is_some());
    }

    #[test]
    fn anything_but_one_object_is_refused() {
        for text in [
            "",
            "[]",
            "null",
            "1",
            "{",
            "{}{}",
            "{},",
            r#"{"a":1,}"#,
            r#"{"a":01}"#,
            r#"{"a":NaN}"#,
            r#"{"a":Infinity}"#,
            r#"{"a":1e999}"#,
            r#"{"a":-1e999}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"\ud800":1}"#,
            "{\"a\":\"\u{0}\"}",
            "\u{feff}{}",
            "{'a':1}",
            "{/**/}",
            "{a:1}",
        ] {
            assert!(object(text).is_none(), "{text}");
        }
        assert!(object(" {\n\t\"a\" : [ 1 , true , null , \"\\u00e9\" ] }\r\n").is_some());
    }

    #[test]
    fn depth_is_bounded() {
        let nested =
            |levels: usize| format!("{}{}", r#"{"a":"#.repeat(levels), "1") + &"}".repeat(levels);
        assert!(object(&nested(MAX_DEPTH)).is_some());
        assert!(object(&nested(MAX_DEPTH + 1)).is_none());
        let lists = format!("{{\"a\":{}{}}}", "[".repeat(3000), "]".repeat(3000));
        assert!(object(&lists).is_none());
    }
}
