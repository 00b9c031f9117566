//! What is taken, and what is refused.

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
    assert!(object(&nested(16)).is_some());
    assert!(object(&nested(17)).is_none());
    let lists = format!("{{\"a\":{}{}}}", "[".repeat(3000), "]".repeat(3000));
    assert!(object(&lists).is_none());
}
