use actix_web::web;
use serde::Deserialize;

use super::*;

async fn path<T: serde::de::DeserializeOwned>(
    parameters: &[(&'static str, &'static str)],
) -> Result<T, Rejection> {
    let request = parameters
        .iter()
        .fold(TestRequest::default(), |request, (name, value)| {
            request.param(*name, *value)
        });
    let admitted = admit(request, Payload::None, 0).await;
    Ok(take_unvalidated::<web::Path<T>>(admitted)
        .await?
        .into_inner())
}

#[derive(Debug, Deserialize)]
struct Place {
    shop: String,
    id: u32,
}

#[actix_web::test]
async fn segments_that_fit_are_decoded() {
    assert_eq!(path::<u64>(&[("id", "7")]).await.unwrap(), 7);
    assert_eq!(
        path::<String>(&[("name", "a%2Fb%20c+d")]).await.unwrap(),
        "a/b c+d"
    );
    let pair: (String, u8) = path(&[("shop", "x"), ("id", "7")]).await.unwrap();
    assert_eq!(pair, ("x".to_owned(), 7));
    let place: Place = path(&[("shop", "x"), ("id", "7")]).await.unwrap();
    assert_eq!((place.shop.as_str(), place.id), ("x", 7));
}

#[actix_web::test]
async fn a_segment_that_does_not_fit_is_422_by_its_name() {
    for rejection in [
        path::<u32>(&[("id", "hunter2")]).await.unwrap_err(),
        path::<(String, u32)>(&[("shop", "x"), ("id", "hunter2")])
            .await
            .unwrap_err(),
        path::<Place>(&[("shop", "x"), ("id", "hunter2")])
            .await
            .unwrap_err(),
    ] {
        assert_eq!(told(&rejection), (422, vec![("/id", "expected u32")]));
        assert_eq!(rejection.errors()[0].source, "path");
    }
}

#[actix_web::test]
async fn a_malformed_segment_is_400() {
    for segment in ["%", "%4", "%zz", "%ff", "a%C3"] {
        let rejection = path::<String>(&[("name", segment)]).await.unwrap_err();
        assert_eq!(told(&rejection), (400, vec![]), "{segment}");
    }
}

#[actix_web::test]
async fn a_type_that_does_not_fit_the_route_is_our_fault() {
    for rejection in [
        path::<(u8, u8)>(&[("id", "7")]).await.unwrap_err(),
        path::<u8>(&[]).await.unwrap_err(),
        path::<Place>(&[("id", "7")]).await.unwrap_err(),
    ] {
        assert_eq!(told(&rejection), (500, vec![]));
    }
}
