use std::collections::HashMap;

use actix_web::web;
use serde::Deserialize;

use super::*;

#[derive(Debug, Deserialize, PartialEq)]
struct Search {
    q: String,
    page: Option<u8>,
    #[serde(default)]
    exact: bool,
}

async fn query<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Rejection> {
    let request = TestRequest::with_uri(&format!("/?{text}"));
    let admitted = admit(request, Payload::None, 0).await;
    Ok(take_unvalidated::<web::Query<T>>(admitted)
        .await?
        .into_inner())
}

async fn form<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Rejection> {
    let admitted = with_body("application/x-www-form-urlencoded", text.to_owned()).await;
    Ok(take_unvalidated::<web::Form<T>>(admitted)
        .await?
        .into_inner())
}

#[actix_web::test]
async fn what_fits_is_decoded() {
    for (text, q) in [
        ("q=a", "a"),
        ("q=a+b%20c", "a b c"),
        ("q=caf%C3%A9", "café"),
        ("%71=a", "a"),
        ("q=a%26b%3Dc", "a&b=c"),
        ("q=a=b", "a=b"),
        ("&q=a&", "a"),
        ("q=", ""),
        ("q", ""),
    ] {
        let wanted = Search {
            q: q.to_owned(),
            page: None,
            exact: false,
        };
        assert_eq!(query::<Search>(text).await.unwrap(), wanted, "{text}");
        assert_eq!(form::<Search>(text).await.unwrap(), wanted, "{text}");
    }
    let search: Search = query("page=7&exact=true&q=a").await.unwrap();
    assert_eq!((search.page, search.exact), (Some(7), true));
}

#[actix_web::test]
async fn what_does_not_fit_is_422() {
    for (text, pointer, detail) in [
        ("", "/q", "required"),
        ("q=a&page=300", "/page", "expected an integer in range"),
        ("q=a&page=hunter2", "/page", "expected an integer in range"),
        ("q=a&page=", "/page", "expected an integer"),
        ("q=a&exact=hunter2", "/exact", "expected `true` or `false`"),
        ("q=a&hunter=2", "/hunter", "not a known field"),
        ("q=a&a%2Fb=2", "/a~1b", "not a known field"),
        ("q=a&Q=b", "/Q", "not a known field"),
    ] {
        let rejection = query::<Search>(text).await.unwrap_err();
        assert_eq!(told(&rejection), (422, vec![(pointer, detail)]), "{text}");
        assert_eq!(rejection.errors()[0].source, "query");
        let rejection = form::<Search>(text).await.unwrap_err();
        assert_eq!(told(&rejection), (422, vec![(pointer, detail)]), "{text}");
        assert_eq!(rejection.errors()[0].source, "body");
    }
}

#[actix_web::test]
async fn what_is_ambiguous_is_400() {
    let many: Vec<_> = (0..257).map(|index| format!("k{index}=1")).collect();
    for text in [
        "q=%",
        "q=%4",
        "q=%zz",
        "q=a%",
        "%=a",
        "q=%ff",
        "q=%C3",
        "%C3%28=a",
        "q=%C3&x=%A9",
        "q=a&q=b",
        "q=a&%71=b",
        "q=a&q",
        "a+b=1&a%20b=2",
        &many.join("&"),
    ] {
        for rejection in [
            query::<HashMap<String, String>>(text).await.unwrap_err(),
            form::<HashMap<String, String>>(text).await.unwrap_err(),
        ] {
            assert_eq!(told(&rejection), (400, vec![]), "{text}");
        }
    }
    assert!(
        query::<HashMap<String, String>>(&many[..256].join("&"))
            .await
            .is_ok()
    );
}

#[actix_web::test]
async fn bytes_of_a_form_are_utf8() {
    let admitted = with_body("application/x-www-form-urlencoded", &b"q=\xff"[..]).await;
    let rejection = take_unvalidated::<web::Form<Search>>(admitted)
        .await
        .unwrap_err();
    assert_eq!(told(&rejection), (400, vec![]));
}

#[actix_web::test]
async fn h13_a_form_of_another_type_is_415() {
    let admitted = with_body("application/json", "q=a").await;
    let rejection = take_unvalidated::<web::Form<Search>>(admitted)
        .await
        .unwrap_err();
    assert_eq!(told(&rejection), (415, vec![]));
}
