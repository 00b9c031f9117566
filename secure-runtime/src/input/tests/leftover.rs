//! Fields that nobody wants, wherever they stand.

use std::collections::{BTreeMap, HashMap};

use actix_web::web;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, value::RawValue};

use super::*;
use crate::input::json;

#[derive(Debug, Deserialize, PartialEq)]
struct Leaf {
    a: u8,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Wrapped(Leaf);

#[derive(Debug, Deserialize, PartialEq)]
struct Pair(Leaf, Leaf);

#[derive(Debug, Deserialize, PartialEq)]
enum Choice {
    Newtype(Leaf),
    Struct { leaf: Leaf },
    Tuple(u8, Leaf),
    Unit,
}

#[derive(Debug, Deserialize, Eq, Hash, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Color {
    Red,
}

/// Goes on after an error.
#[derive(Debug, PartialEq)]
struct Forgiving(Option<Leaf>);

impl<'de> Deserialize<'de> for Forgiving {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Leaf::deserialize(deserializer).ok()))
    }
}

/// That `good` is decoded, and that in `bad` each pointer leads to a field that is not known.
#[track_caller]
fn check<T>(good: &str, expected: T, bad: &str, pointers: &[&str])
where
    T: serde::de::DeserializeOwned + std::fmt::Debug + PartialEq,
{
    assert_eq!(json::decode::<T>(good.as_bytes()).unwrap(), expected);
    let rejection = json::decode::<T>(bad.as_bytes()).unwrap_err();
    let errors: Vec<_> = pointers
        .iter()
        .map(|pointer| (*pointer, "not a known field"))
        .collect();
    assert_eq!(told(&rejection), (422, errors), "{bad}");
}

#[test]
fn an_unknown_field_is_found_in_every_kind_of_value() {
    const GOOD: &str = r#"{"a":1}"#;
    const BAD: &str = r#"{"a":1,"x":2}"#;
    let leaf = || Leaf { a: 1 };

    check(GOOD, leaf(), BAD, &["/x"]);
    check(GOOD, Wrapped(leaf()), BAD, &["/x"]);
    check(GOOD, Some(leaf()), BAD, &["/x"]);
    check(GOOD, Box::new(Some(Wrapped(leaf()))), BAD, &["/x"]);
    let list = |last: &str| format!("[{GOOD},{last}]");
    check(&list(GOOD), vec![leaf(), leaf()], &list(BAD), &["/1/x"]);
    check(&list(GOOD), (leaf(), leaf()), &list(BAD), &["/1/x"]);
    check(&list(GOOD), Pair(leaf(), leaf()), &list(BAD), &["/1/x"]);
    let member = |name: &str, value: &str| format!(r#"{{"{name}":{value}}}"#);
    check(
        &member("k", GOOD),
        HashMap::from([("k".to_owned(), leaf())]),
        &member("k", BAD),
        &["/k/x"],
    );
    check(
        &member("7", GOOD),
        BTreeMap::from([(7_u8, leaf())]),
        &member("7", BAD),
        &["/7/x"],
    );
    check(
        &member("red", GOOD),
        HashMap::from([(Color::Red, leaf())]),
        &member("red", BAD),
        &["/red/x"],
    );
    check(
        &member("Newtype", GOOD),
        Choice::Newtype(leaf()),
        &member("Newtype", BAD),
        &["/Newtype/x"],
    );
    check(
        &member("Tuple", &format!("[1,{GOOD}]")),
        Choice::Tuple(1, leaf()),
        &member("Tuple", &format!("[1,{BAD}]")),
        &["/Tuple/1/x"],
    );
    check(
        &member("Struct", &member("leaf", GOOD)),
        Choice::Struct { leaf: leaf() },
        &member("Struct", &member("leaf", BAD)),
        &["/Struct/leaf/x"],
    );
    check(
        &member("Struct", &member("leaf", GOOD)),
        Choice::Struct { leaf: leaf() },
        r#"{"Struct":{"x":1,"leaf":{"a":1},"y":2}}"#,
        &["/Struct/x", "/Struct/y"],
    );
    assert_eq!(json::decode::<Choice>(b"\"Unit\"").unwrap(), Choice::Unit);
}

#[test]
fn an_unknown_field_is_found_behind_an_error_that_is_forgiven() {
    check(
        r#"[{"a":1}]"#,
        vec![Forgiving(Some(Leaf { a: 1 }))],
        r#"[{"a":1,"x":2}]"#,
        &["/0/x"],
    );
    // As it stands there the error leaves nothing unread, and the type may do so.
    assert_eq!(
        json::decode::<Vec<Forgiving>>(br#"["text"]"#).unwrap(),
        [Forgiving(None)]
    );
    // What it leaves unread is no value of a list.
    assert!(json::decode::<Vec<Forgiving>>(br#"[{"a":"text","a2":1}]"#).is_err());
}

#[test]
fn a_field_that_the_type_throws_away_is_unknown() {
    let rejection = json::decode::<HashMap<String, IgnoredAny>>(br#"{"x":1}"#).unwrap_err();
    assert_eq!(told(&rejection), (422, vec![("/x", "not a known field")]));
}

#[test]
fn raw_json_is_checked_before_the_type_sees_it() {
    let raw = json::decode::<Box<RawValue>>(br#" {"a":[1, 2]} "#).unwrap();
    assert_eq!(raw.get(), r#"{"a":[1, 2]}"#);
    for text in [r#"{"a":1,"a":2}"#, r#""\ud83d""#, "[1,]", &"[".repeat(70)] {
        let rejection = json::decode::<Box<RawValue>>(text.as_bytes()).unwrap_err();
        assert_eq!(told(&rejection), (400, vec![]), "{text}");
    }
}

/// Takes nothing out of the decoder.
struct Nothing;

impl<'de> Deserialize<'de> for Nothing {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Ok(Self)
    }
}

#[test]
fn what_the_type_does_not_read_is_refused() {
    for text in [" ", "", "{", "x", "5", "{}"] {
        assert!(json::decode::<Nothing>(text.as_bytes()).is_err(), "{text}");
    }
    assert!(json::decode::<(Nothing, u8)>(b"[,5]").is_err());
    assert!(json::decode::<Vec<Forgiving>>(b"[tru ,null]").is_err());
}

#[actix_web::test]
async fn a_value_of_serde_json_has_no_unknown_field() {
    let admitted = with_body("application/json", r#"{"a":{"b":[null,1.5,"c"]}}"#).await;
    let value = take_unvalidated::<web::Json<Value>>(admitted)
        .await
        .unwrap();
    assert_eq!(value["a"]["b"][1], 1.5);
}
