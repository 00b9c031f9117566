//! What must hold for any input.

use std::collections::HashSet;

use actix_web::web;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;

use super::*;
use crate::{
    input::{json, urlencoded},
    rejection::Refusal,
};

#[derive(Debug, Deserialize, PartialEq)]
struct Typed {
    a: Option<u8>,
    b: Option<Vec<Typed>>,
    c: Option<Choice>,
}

#[derive(Debug, Deserialize, PartialEq)]
enum Choice {
    One(Box<Typed>),
    Two,
}

/// Texts that are nearly JSON.
fn nearly_json() -> impl Strategy<Value = String> {
    let token = prop_oneof![prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"a\"",
        "\"b\"",
        "\"c\"",
        "\"\\u0061\"",
        "\"One\"",
        "\"",
        "\\",
        "0",
        "1",
        "-",
        "1.5",
        "1e3",
        "true",
        "null",
        " ",
        "\n",
        "\"\\ud83d\"",
        "é",
    ]),];
    prop::collection::vec(token, 0..24).prop_map(|tokens| tokens.concat())
}

/// Objects with few names, so that duplicates happen, and whether there is one.
fn document() -> impl Strategy<Value = (String, bool)> {
    let leaf = prop::sample::select(vec!["1", "\"x\"", "null", "[]", "{}"])
        .prop_map(|leaf| (leaf.to_owned(), false));
    leaf.prop_recursive(4, 64, 6, |inner| {
        let name = prop::sample::select(vec![
            ("a", "a"),
            ("b", "b"),
            ("c", "c"),
            ("\\u0061", "a"),
            ("\\u0062", "b"),
            ("One", "One"),
            ("a/b", "a/b"),
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|values| {
                let texts: Vec<_> = values.iter().map(|(text, _)| text.as_str()).collect();
                (
                    format!("[{}]", texts.join(", ")),
                    values.iter().any(|(_, duplicate)| *duplicate),
                )
            }),
            prop::collection::vec((name, inner), 0..4).prop_map(|members| {
                let texts: Vec<_> = members
                    .iter()
                    .map(|((written, _), (text, _))| format!("\"{written}\":{text}"))
                    .collect();
                let names: HashSet<_> = members.iter().map(|((_, name), _)| name).collect();
                (
                    format!("{{{}}}", texts.join(",")),
                    names.len() < members.len()
                        || members.iter().any(|(_, (_, duplicate))| *duplicate),
                )
            }),
        ]
    })
}

/// What a lenient decoder puts in the place of bytes that are not UTF-8.
const REPLACED: char = '\u{fffd}';

/// RFC 6901: a sequence of tokens, each behind a `/`, with `~` only as `~0` and `~1`.
fn is_pointer(text: &str) -> bool {
    (text.is_empty() || text.starts_with('/'))
        && text
            .split('~')
            .skip(1)
            .all(|rest| rest.starts_with(['0', '1']))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_decoded_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if json::decode::<Value>(&bytes).is_ok() {
            prop_assert!(serde_json::from_slice::<Value>(&bytes).is_ok());
        }
        let _ = json::decode::<Typed>(&bytes);
        let _ = urlencoded::decode::<Typed>(&bytes, "query", Refusal::HeadMalformed);
    }

    #[test]
    fn only_what_serde_json_accepts_is_accepted(text in nearly_json()) {
        let ours = json::decode::<Value>(text.as_bytes());
        match serde_json::from_str::<Value>(&text) {
            Ok(theirs) => match ours {
                Ok(ours) => prop_assert_eq!(ours, theirs),
                Err(rejection) => prop_assert_eq!(
                    rejection.reason(), "a key comes twice in one JSON object"
                ),
            },
            Err(_) => prop_assert!(ours.is_err()),
        }
    }

    #[test]
    fn strings_are_read_as_serde_json_reads_them(text in r#"[ -~\x00-\x7f\\"é😀]{0,40}"#) {
        let string = format!("\"{text}\"");
        match serde_json::from_str::<String>(&string) {
            Ok(theirs) => prop_assert_eq!(json::decode::<String>(string.as_bytes()).unwrap(), theirs),
            Err(_) => prop_assert!(json::decode::<String>(string.as_bytes()).is_err()),
        }
        let object = format!("{{{string}:{string}}}");
        let theirs = serde_json::from_str::<Value>(&object);
        prop_assert_eq!(json::decode::<Value>(object.as_bytes()).ok(), theirs.ok());
    }

    #[test]
    fn a_field_is_unknown_where_serde_ignored_says_so((text, duplicate) in document()) {
        let mut unknown = false;
        let mut deserializer = serde_json::Deserializer::from_str(&text);
        let theirs: Result<Typed, _> =
            serde_ignored::deserialize(&mut deserializer, |_| unknown = true);
        let ours = json::decode::<Typed>(text.as_bytes());
        prop_assert_eq!(ours.is_ok(), theirs.is_ok() && !unknown && !duplicate, "{}", text);
        if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
            prop_assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn duplicates_are_found_and_nothing_else((text, duplicate) in document()) {
        prop_assert_eq!(json::decode::<Value>(text.as_bytes()).is_err(), duplicate, "{}", text);
    }

    #[test]
    fn pointers_lead_into_the_document((text, _) in document()) {
        let document: Value = serde_json::from_str(&text).unwrap();
        if let Err(rejection) = json::decode::<Typed>(text.as_bytes()) {
            for error in rejection.errors() {
                prop_assert!(is_pointer(&error.pointer), "{}", error.pointer);
                prop_assert!(
                    error.detail == "required" || document.pointer(&error.pointer).is_some(),
                    "{} {} {}", text, error.pointer, error.detail
                );
            }
        }
    }

    #[test]
    fn pairs_are_read_as_form_urlencoded_reads_them(text in "[ab=&%0-9+é]{0,24}") {
        let decoded = urlencoded::decode::<Vec<(String, String)>>(
            text.as_bytes(), "query", Refusal::HeadMalformed,
        );
        let pairs: Vec<(String, String)> =
            form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        let names: HashSet<_> = pairs.iter().map(|(name, _)| name).collect();
        match decoded {
            Ok(decoded) => {
                prop_assert_eq!(names.len(), pairs.len());
                prop_assert!(pairs.iter().all(|(name, value)| !name.contains(REPLACED)
                    && !value.contains(REPLACED)));
                prop_assert_eq!(decoded, pairs);
            }
            Err(rejection) => prop_assert_eq!(rejection.refusal(), Refusal::HeadMalformed),
        }
    }

    #[test]
    fn any_path_segment_is_decoded_or_refused(segment in "[a-z%0-9é]{0,12}") {
        actix_web::rt::System::new().block_on(async move {
            let request = TestRequest::default().param("name", segment.clone());
            let admitted = admit(request, Payload::None, 0).await;
            if let Ok(name) = take::<web::Path<String>, _>(admitted).await {
                let exact = percent_encoding::percent_decode_str(&segment).decode_utf8();
                assert_eq!(name.into_inner(), exact.unwrap());
            }
        });
    }
}
