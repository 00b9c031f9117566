//! What is taken, what is refused, and that another parser agrees.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// Whether they are the same, but for what `Json` does not keep.
fn is_same(one: &Json<'_>, other: &Value) -> bool {
    match (one, other) {
        (Json::Array(items), Value::Array(others)) => {
            items.len() == others.len()
                && items
                    .iter()
                    .zip(others)
                    .all(|(one, other)| is_same(one, other))
        }
        (Json::Object(members), Value::Object(others)) => {
            members.0.len() == others.len()
                && members.iter().all(|(name, value)| {
                    others.get(name).is_some_and(|other| is_same(value, other))
                })
        }
        (Json::Number(number), Value::Number(other)) => {
            // The last bit may differ: serde_json rounds long numbers in a quicker way.
            let other = other.as_f64().unwrap();
            (number - other).abs() <= other.abs() * 1e-15
        }
        (Json::Text(text), Value::String(other)) => text == other,
        (Json::Bool, Value::Bool(_)) | (Json::Null, Value::Null) => true,
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4_000, failure_persistence: None, ..ProptestConfig::default()
    })]

    /// J7: whatever is taken means the same to serde_json, and what that refuses is refused.
    #[test]
    fn what_is_taken_means_the_same_to_another_parser(
        text in r#"\{("[ab]":(-?[0-9]{0,3}(\.[0-9]{0,2})?([eE][+-]?[0-9]{0,2})?|[0-9]{14,22}|"([a-c/]|é|\\["bnu/x]|\\u(d83d|de00|0061|00))*"|true|nul{1,2}|\[[0-9,\[\]]{0,6}\]|\{("[ab]":1,?){0,3}\})[ \n]?,?){0,4}\}"#,
    ) {
        let other = serde_json::from_str::<Value>(&text);
        match object(&text) {
            Some(ours) => prop_assert!(is_same(&Json::Object(ours), &other.unwrap())),
            // Duplicate names are what serde_json alone lets pass.
            None => prop_assert!(other.is_err() || text.matches("\"a\"").count() > 1 || text.matches("\"b\"").count() > 1 || text.contains("\\u0061")),
        }
    }
}

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
fn escapes_are_resolved_and_halves_of_pairs_refused() {
    let text = |json: &str| match object(json)?.get("a") {
        Some(Json::Text(text)) => Some(text.to_string()),
        _ => None,
    };
    let all = r#"{"a":"\"\\\/\b\f\n\r\t\u00e9\uD83D\ude00 é"}"#;
    assert_eq!(
        text(all).unwrap(),
        "\"\\/\u{8}\u{c}\n\r\t\u{e9}\u{1f600} \u{e9}"
    );
    for refused in [
        r#"{"a":"\ud83d"}"#,
        r#"{"a":"\ud83dx"}"#,
        r#"{"a":"\ud83d\u0041"}"#,
        r#"{"a":"\ud83d\ud83d"}"#,
        r#"{"a":"\ude00"}"#,
        r#"{"a":"\u12"}"#,
        r#"{"a":"\u+123"}"#,
        r#"{"a":"\x41"}"#,
        "{\"a\":\"\n\"}",
        r#"{"a":""#,
    ] {
        assert!(text(refused).is_none(), "{refused}");
    }
}

#[test]
fn a_text_ends_where_its_first_special_byte_is() {
    for byte in 0..=255_u8 {
        let is_special = matches!(byte, b'"' | b'\\' | ..0x20);
        for at in 0..20 {
            // What stands after the first must not matter.
            let mut text = [b'a', 0x7f, 0xe9, 0x80].repeat(6);
            text[at] = byte;
            let expected = if is_special { at } else { 22 };
            text[22] = b'"';
            assert_eq!(plain_bytes(&text), Some(expected), "{byte} at {at}");
        }
    }
    assert_eq!(plain_bytes(b"abcdefghijk"), None);
}

#[test]
fn many_members_have_each_name_once() {
    let members = |names: &[String]| {
        let members = names.iter().map(|name| format!("\"{name}\":0"));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    };
    let mut names = (0..1000).map(|n| n.to_string()).collect::<Vec<_>>();
    assert!(object(&members(&names)).is_some());
    names.push("7".to_owned());
    assert!(object(&members(&names)).is_none());
    for most in [FEW - 1, FEW, FEW + 1] {
        let mut names = (0..most).map(|n| n.to_string()).collect::<Vec<_>>();
        assert!(object(&members(&names)).is_some());
        names.push("0".to_owned());
        assert!(object(&members(&names)).is_none());
    }
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
