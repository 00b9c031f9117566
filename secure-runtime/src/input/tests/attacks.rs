use std::time::Instant;

use actix_web::web;
use serde::Deserialize;
use serde_json::Value;

use super::*;
use crate::input::json::decode;

/// Far above what is needed, far below what quadratic time would take.
const SOON: Duration = Duration::from_secs(5);

async fn json<T: serde::de::DeserializeOwned>(body: impl Into<Bytes>) -> Result<T, Rejection> {
    let request = TestRequest::post().insert_header(("content-type", "application/json"));
    let admitted = admit(request, Payload::from(body.into()), 10_000_000).await;
    Ok(take_unvalidated::<web::Json<T>>(admitted)
        .await?
        .into_inner())
}

#[actix_web::test]
async fn depth_is_bounded() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(json::<Value>(nested(64)).await.is_ok());
    for body in [
        nested(65 + 1),
        nested(100_000),
        "[".repeat(1_000_000),
        r#"{"a":"#.repeat(100_000),
        r#"[{"a":"#.repeat(100_000),
    ] {
        let rejection = json::<Value>(body).await.unwrap_err();
        assert_eq!(told(&rejection), (400, vec![]));
        assert_eq!(rejection.reason(), "the JSON body is nested too deeply");
    }
}

#[actix_web::test]
async fn many_keys_cost_linear_time() {
    let keys = |prefix: &str| {
        let keys: Vec<_> = (0..100_000)
            .map(|index| format!("\"{prefix}{index:06}\":0"))
            .collect();
        keys.join(",")
    };
    let start = Instant::now();
    assert!(json::<Value>(format!("{{{}}}", keys("k"))).await.is_ok());
    let twice = format!("{{{},{}}}", keys("k"), keys("\\u006b"));
    assert_eq!(
        told(&json::<Value>(twice).await.unwrap_err()),
        (400, vec![])
    );

    let pairs: Vec<_> = (0..100_000).map(|index| format!("k{index}=0")).collect();
    let admitted = admit(
        TestRequest::post().insert_header(("content-type", "application/x-www-form-urlencoded")),
        Payload::from(Bytes::from(pairs.join("&"))),
        10_000_000,
    )
    .await;
    assert!(
        take_unvalidated::<web::Form<Vec<(String, String)>>>(admitted)
            .await
            .is_err()
    );
    assert!(start.elapsed() < SOON);
}

#[actix_web::test]
async fn a_duplicate_is_found_on_either_side_of_the_change_from_list_to_set() {
    for count in 1..40 {
        let keys: Vec<_> = (0..count).map(|index| format!("\"{index}\":0")).collect();
        let keys = keys.join(",");
        assert!(json::<Value>(format!("{{{keys}}}")).await.is_ok());
        for again in 0..count {
            let rejection = json::<Value>(format!("{{{keys},\"{again}\":0}}"))
                .await
                .unwrap_err();
            assert_eq!(told(&rejection).0, 400, "{count} {again}");
        }
    }
}

#[test]
fn names_of_one_object_are_not_those_of_another() {
    let members = |names: std::ops::Range<usize>| {
        let members: Vec<_> = names.map(|name| format!(",\"{name}\":0")).collect();
        members.concat()
    };
    let counts = [0, 1, 7, 15, 16, 17, 40];
    for (before, inside) in counts.into_iter().flat_map(|a| counts.map(|b| (a, b))) {
        // Names before and behind an object, in which the same ones and others stand.
        let (outer, inner) = (members(0..before), members(0..inside));
        let behind = members(before..before + 3);
        let object = |inner: &str, end: &str| {
            format!(r#"{{"o":0{outer},"i":{{"j":0{inner}}}{behind},"p":[{{"o":0}}]{end}}}"#)
        };
        let good = object(&inner, "");
        assert!(decode::<Value>(good.as_bytes()).is_ok(), "{good}");
        let mut twice = vec![object(&inner, ",\"o\":1"), object(&inner, ",\"i\":1")];
        twice.push(object(&format!("{inner},\"j\":1"), ""));
        twice.extend((0..before + 3).map(|name| object(&inner, &format!(",\"{name}\":1"))));
        twice.extend((0..inside).map(|name| object(&format!("{inner},\"{name}\":1"), "")));
        for bad in twice {
            let rejection = decode::<Value>(bad.as_bytes()).unwrap_err();
            let reason = "a key comes twice in one JSON object";
            assert_eq!(rejection.reason(), reason, "{bad}");
        }
    }
}

#[actix_web::test]
async fn many_objects_and_long_strings_cost_linear_time() {
    let start = Instant::now();
    let keys: Vec<_> = (0..16).map(|key| format!("\"{key}\":0")).collect();
    let object = format!("{{{}}}", keys.join(","));
    let inner = format!("[{}]", vec![object.as_str(); 20_000].join(","));
    // The deepest objects that there may be, each of them with names.
    let nest = |inner: &str, levels| {
        let open = format!("{{{},\"i\":", keys.join(","));
        format!("{}{inner}{}", open.repeat(levels), "}".repeat(levels))
    };
    assert!(json::<Value>(nest(&inner, 62)).await.is_ok());
    let rejection = json::<Value>(nest(&inner, 63)).await.unwrap_err();
    assert_eq!(rejection.reason(), "the JSON body is nested too deeply");

    for piece in ["x", "é", r"\n", r"\u00e9", r#"",""#] {
        let text = format!("[\"{}\"]", piece.repeat(1_000_000));
        assert!(json::<Value>(text).await.is_ok(), "{piece}");
    }
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
}

#[actix_web::test]
async fn h12_a_body_of_one_byte_a_chunk_costs_linear_time() {
    let start = Instant::now();
    let text = format!("[{}0]", "0,".repeat(500_000));
    let length = text.len();
    let chunks = Bytes::from(text);
    let (payload, count) = counted((0..length).map(move |at| chunks.slice(at..=at)));
    let request = TestRequest::post().insert_header(("content-type", "application/json"));
    let admitted = admit(request, payload, 10_000_000).await;
    let numbers = take_unvalidated::<web::Json<Vec<u8>>>(admitted).await;
    assert_eq!(numbers.unwrap().len(), 500_001);
    assert_eq!(count.get(), length);

    // And is cut off where it does not end.
    let (payload, count) = counted(std::iter::repeat(Bytes::from_static(b" ")));
    let request = TestRequest::post().insert_header(("content-type", "application/json"));
    let admitted = admit(request, payload, 1_000).await;
    let rejection = take_unvalidated::<web::Json<Vec<u8>>>(admitted).await;
    assert_eq!(rejection.unwrap_err().refusal().status(), 413);
    assert_eq!(count.get(), 1_001);
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
}

#[actix_web::test]
async fn huge_numbers_are_refused_or_read_as_they_are() {
    for number in ["1e999", "-1e999", &format!("1{}", "0".repeat(100_000))] {
        assert_eq!(
            told(&json::<Value>(number.to_owned()).await.unwrap_err()),
            (400, vec![])
        );
    }
    assert_eq!(json::<Value>("1e-999").await.unwrap(), Value::from(0.0));
    assert_eq!(told(&json::<u8>("1e2").await.unwrap_err()).0, 422);
    assert_eq!(
        told(&json::<u64>("18446744073709551616").await.unwrap_err()).0,
        422
    );
}

#[actix_web::test]
async fn half_a_surrogate_pair_is_refused() {
    for text in [
        r#""\ud83d""#,
        r#""\ude00""#,
        r#""\ude00\ud83d""#,
        r#""\ud83dx""#,
        r#""\ud83d\n""#,
        r#""\ud83d\u0061""#,
        r#"{"\ud83d":1}"#,
    ] {
        assert_eq!(
            told(&json::<Value>(text).await.unwrap_err()),
            (400, vec![]),
            "{text}"
        );
    }
}

#[derive(Debug, Deserialize)]
struct Profile {
    #[expect(dead_code, reason = "only decoded")]
    name: String,
}

#[actix_web::test]
async fn fields_that_change_objects_elsewhere_are_only_unknown_fields() {
    for field in [
        "__proto__",
        "constructor",
        "role",
        "is_admin",
        "name\\u0000",
    ] {
        let body = format!(r#"{{"name":"x","{field}":{{"admin":true}}}}"#);
        let rejection = json::<Profile>(body).await.unwrap_err();
        let (status, errors) = told(&rejection);
        assert_eq!((status, errors[0].1), (422, "not a known field"), "{field}");
    }
}

#[actix_web::test]
async fn keys_that_serde_json_reads_as_commands_are_refused() {
    // With the `raw_value` feature a `Value` would be read from the string, unchecked.
    let inner = r#"{\"a\":1,\"a\":2}"#;
    for key in [
        "$serde_json::private::RawValue",
        "$serde_json::private::Number",
        r"\u0024serde_json::private::RawValue",
    ] {
        let rejection = json::<Value>(format!(r#"[{{"{key}":"{inner}"}}]"#))
            .await
            .unwrap_err();
        assert_eq!(told(&rejection), (400, vec![]), "{key}");
    }
}

#[actix_web::test]
async fn long_names_do_not_make_long_answers() {
    let fields: Vec<_> = (0..1000)
        .map(|index| format!("\"{index}{}\":0", "~".repeat(1000)))
        .collect();
    let rejection = json::<Profile>(format!(r#"{{"name":"x",{}}}"#, fields.join(","))).await;
    let rejection = rejection.unwrap_err();
    let length: usize = rejection
        .errors()
        .iter()
        .map(|error| error.pointer.len())
        .sum();
    assert!(length <= 32 * 256, "{length}");
}

#[derive(Debug, Deserialize, garde::Validate)]
struct Numbers {
    #[garde(inner(range(min = 1)))]
    numbers: Vec<u32>,
}

#[actix_web::test]
async fn an_error_for_each_of_100k_elements_makes_a_short_answer() {
    let start = Instant::now();
    let body = format!(r#"{{"numbers":[{}]}}"#, vec!["0"; 100_000].join(","));
    let request = TestRequest::post().insert_header(("content-type", "application/json"));
    let admitted = admit(request, Payload::from(Bytes::from(body)), 10_000_000).await;
    let rejection = take::<web::Json<Numbers>, _>(admitted).await.unwrap_err();
    assert_eq!(rejection.errors().len(), 32);
    assert_eq!(rejection.errors()[0].pointer, "/numbers/0");
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
}
