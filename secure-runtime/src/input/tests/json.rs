use actix_web::web;
use serde::Deserialize;
use serde_json::Value;

use super::*;

#[derive(Debug, Deserialize)]
struct Order {
    #[serde(rename = "itemName")]
    item: String,
    quantity: u8,
    #[serde(default)]
    tags: Vec<Tag>,
    color: Option<Color>,
    payment: Option<Payment>,
    #[serde(default)]
    secret: Option<Even>,
}

#[derive(Debug, Deserialize)]
struct Tag {
    name: String,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Color {
    Green,
    Red,
}

#[derive(Debug, Deserialize)]
enum Payment {
    Card {
        number: u64,
    },
    #[expect(dead_code, reason = "only decoded")]
    Invoice(Tag),
}

#[derive(Debug)]
struct Even;

impl<'de> Deserialize<'de> for Even {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.len() % 2 == 0 {
            Ok(Self)
        } else {
            Err(serde::de::Error::custom(format!("`{text}` is odd")))
        }
    }
}

async fn decode<T: serde::de::DeserializeOwned>(body: impl Into<Bytes>) -> Result<T, Rejection> {
    let admitted = with_body("application/json", body).await;
    Ok(take_unvalidated::<web::Json<T>>(admitted)
        .await?
        .into_inner())
}

async fn order(body: &'static str) -> Result<Order, Rejection> {
    decode(body).await
}

#[actix_web::test]
async fn a_body_that_fits_is_decoded() {
    let order = order(
        r#" {"itemName": "caf\u00e9 \ud83d\ude00", "quantity": 3, "tags": [{"name": "a"}],
            "color": "red", "payment": {"Card": {"number": 1}}, "secret": "even"} "#,
    )
    .await
    .unwrap();
    assert_eq!(order.item, "café 😀");
    assert_eq!(order.quantity, 3);
    assert_eq!(order.tags[0].name, "a");
    assert_eq!(order.color, Some(Color::Red));
    assert!(matches!(order.payment, Some(Payment::Card { number: 1 })));
    assert!(order.secret.is_some());
}

#[actix_web::test]
async fn what_does_not_fit_is_pointed_at_without_its_value() {
    for (body, pointer, detail) in [
        (
            r#"{"itemName":"hunter2","quantity":"hunter2"}"#,
            "/quantity",
            "expected u8",
        ),
        (
            r#"{"itemName":"x","quantity":300}"#,
            "/quantity",
            "expected u8",
        ),
        (
            r#"{"itemName":"x","quantity":-1}"#,
            "/quantity",
            "expected u8",
        ),
        (
            r#"{"itemName":"x","quantity":1.5}"#,
            "/quantity",
            "expected u8",
        ),
        (r#"{"itemName":"x"}"#, "/quantity", "required"),
        (r#"{"quantity":1}"#, "/itemName", "required"),
        (
            r#"{"itemName":"x","quantity":1,"tags":[{"name":"a"},{}]}"#,
            "/tags/1/name",
            "required",
        ),
        (
            r#"{"itemName":"x","quantity":1,"tags":[{"name":"a"},{"name":7}]}"#,
            "/tags/1/name",
            "expected a string",
        ),
        (
            r#"{"itemName":"x","quantity":1,"color":"hunter2"}"#,
            "/color",
            "expected `green` or `red`",
        ),
        (
            r#"{"itemName":"x","quantity":1,"payment":{"Card":{"number":"hunter2"}}}"#,
            "/payment/Card/number",
            "expected u64",
        ),
        (
            r#"{"itemName":"x","quantity":1,"secret":"hunter2"}"#,
            "/secret",
            "not of the expected form",
        ),
        (
            r#"{"itemName":"x","quantity":1,"unwanted":1}"#,
            "/unwanted",
            "not a known field",
        ),
        (
            r#"{"item":"x","itemName":"x","quantity":1}"#,
            "/item",
            "not a known field",
        ),
        (
            r#"{"itemName":"x","quantity":1,"tags":[{"name":"a","a/b~":1}]}"#,
            "/tags/0/a~1b~0",
            "not a known field",
        ),
        (
            r#"{"itemName":"x","quantity":1,"payment":{"Card":{"number":1,"cvc":2}}}"#,
            "/payment/Card/cvc",
            "not a known field",
        ),
        (
            r#"{"itemName":"x","quantity":1,"payment":{"Invoice":{"name":"a","x":2}}}"#,
            "/payment/Invoice/x",
            "not a known field",
        ),
        (r#"[]"#, "", "expected struct Order with 6 elements"),
        (r#"null"#, "", "expected struct Order"),
    ] {
        let rejection = order(body).await.unwrap_err();
        assert_eq!(told(&rejection), (422, vec![(pointer, detail)]), "{body}");
        assert_eq!(rejection.errors()[0].source, "body");
        assert!(!format!("{rejection:?} {:?}", rejection.errors()).contains("hunter2"));
    }
}

#[actix_web::test]
async fn what_is_not_one_json_text_is_400() {
    for body in [
        "",
        " ",
        "{",
        "}",
        r#"{"a":1"#,
        r#"{"a":1}x"#,
        r#"{"a":1}{"a":1}"#,
        r#"{"a":1,}"#,
        "[1,]",
        "[,]",
        "[1 2]",
        "{1:2}",
        "{'a':1}",
        r#"{"a" 1}"#,
        r#"{"a":}"#,
        "[1}",
        r#"{"a":1]"#,
        "nul",
        "True",
        "NaN",
        "01",
        "+1",
        "1.",
        ".5",
        "1e",
        "-",
        "0x10",
        "1e999",
        r#""\x""#,
        r#""\u12""#,
        "\"\n\"",
        "\"\u{0}\"",
        r#"""#,
        "// comment\n1",
        "\u{feff}1",
    ] {
        let rejection = decode::<Value>(body).await.unwrap_err();
        assert_eq!(told(&rejection), (400, vec![]), "{body}");
    }
    for bytes in [&b"\"\xff\""[..], b"\xef\xbb\xbf1", b"\xff\xfe1\0"] {
        let rejection = decode::<Value>(bytes).await.unwrap_err();
        assert_eq!(told(&rejection).0, 400, "{bytes:?}");
    }
}

#[actix_web::test]
async fn a_syntax_error_comes_before_a_misfit() {
    let rejection = order(r#"{"quantity":"x",}"#).await.unwrap_err();
    assert_eq!(told(&rejection), (400, vec![]));
}

#[actix_web::test]
async fn duplicate_keys_are_400_at_every_level() {
    for body in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"b":2,"a":3}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"{"\u0061":1,"a":2}"#,
        r#"{"":1,"":2}"#,
        r#"{"a\u0000":1,"a\u0000":2}"#,
        r#"{"\ud83d\ude00":1,"😀":2}"#,
        r#"{"x":{"a":1,"a":2}}"#,
        r#"[[{"a":[{"b":1,"b":2}]}]]"#,
        r#"{"__proto__":1,"__proto__":2}"#,
    ] {
        let rejection = decode::<Value>(body).await.unwrap_err();
        assert_eq!(
            rejection.reason(),
            "a key comes twice in one JSON object",
            "{body}"
        );
        assert_eq!(told(&rejection).0, 400);
    }
    for body in [
        r#"{"a":{"a":{"a":1}}}"#,
        r#"[{"a":1},{"a":1}]"#,
        r#"{"a":"a","A":1}"#,
        r#"{"a":{"b":1},"b":{"a":1}}"#,
        r#"{"a":1,"a ":1}"#,
    ] {
        assert!(decode::<Value>(body).await.is_ok(), "{body}");
    }
}

#[actix_web::test]
async fn unknown_fields_are_counted_up_to_a_cap() {
    let fields: Vec<_> = (0..1000).map(|index| format!("\"x{index}\":0")).collect();
    let body = format!("{{{}}}", fields.join(","));
    let rejection = decode::<Tag>(body.replacen('{', r#"{"name":"","#, 1))
        .await
        .unwrap_err();
    assert_eq!(rejection.errors().len(), 32);
    assert_eq!(rejection.errors()[31].pointer, "/x31");
}

#[actix_web::test]
async fn h13_a_body_of_another_type_is_415() {
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "text/json",
    ] {
        let admitted = with_body(content_type, "1").await;
        let rejection = take::<web::Json<u8>, _>(admitted).await.unwrap_err();
        assert_eq!(rejection.refusal().status(), 415);
    }
    let admitted = admit(
        TestRequest::post(),
        Payload::from(Bytes::from_static(b"1")),
        10,
    )
    .await;
    let rejection = take::<web::Json<u8>, _>(admitted).await.unwrap_err();
    assert_eq!(rejection.refusal().status(), 415);
}

#[actix_web::test]
async fn h13_nothing_is_read_of_a_body_of_another_type() {
    let (payload, count) = counted([Bytes::from_static(b"1")]);
    let request = TestRequest::post().insert_header(("content-type", "text/plain"));
    let admitted = admit(request, payload, 10).await;
    assert!(take::<web::Json<u8>, _>(admitted).await.is_err());
    assert_eq!(count.get(), 0);
}

#[actix_web::test]
async fn plain_values_are_bodies_too() {
    let admitted = with_body("application/json", r#"["a",1]"#).await;
    let pair = take::<web::Json<(String, u8)>, _>(admitted).await.unwrap();
    assert_eq!(pair.into_inner(), ("a".to_owned(), 1));
}
