use std::collections::BTreeMap;

use actix_web::web;
use garde::Validate;
use serde::Deserialize;

use super::*;

#[derive(Debug, Deserialize, Validate)]
struct Order {
    #[garde(length(min = 1, max = 5))]
    item: String,
    #[garde(range(max = 100))]
    quantity: u32,
    #[serde(default, rename = "giftTags")]
    #[garde(dive)]
    gift_tags: Vec<Tag>,
    #[serde(default)]
    #[garde(dive)]
    by_name: BTreeMap<String, Tag>,
}

#[derive(Debug, Deserialize, Validate)]
struct Tag {
    #[garde(ascii)]
    name: String,
}

async fn json<T, M>(body: impl Into<Bytes>) -> Result<T, Rejection>
where
    web::Json<T>: Input<M>,
{
    Ok(
        take::<web::Json<T>, M>(with_body("application/json", body).await)
            .await?
            .into_inner(),
    )
}

#[actix_web::test]
async fn a_valid_value_reaches_the_handler() {
    let order: Order = json(r#"{"item":"a","quantity":1,"giftTags":[{"name":"x"}]}"#)
        .await
        .unwrap();
    assert_eq!((order.item.as_str(), order.quantity), ("a", 1));
    assert_eq!(order.gift_tags.len() + order.by_name.len(), 1);
}

#[actix_web::test]
async fn every_broken_rule_is_reported_by_pointer() {
    let rejection = json::<Order, _>(
        r#"{"item":"hunter2","quantity":101,"giftTags":[{"name":"a"},{"name":"é"}],
            "by_name":{"a/b":{"name":"é"}}}"#,
    )
    .await
    .unwrap_err();
    assert_eq!(
        told(&rejection),
        (
            422,
            vec![
                ("/by_name/a~1b/name", "not ascii"),
                ("/giftTags/1/name", "not ascii"),
                ("/item", "length is greater than 5"),
                ("/quantity", "greater than 100"),
            ]
        )
    );
    assert_eq!(rejection.errors()[0].source, "body");
}

#[actix_web::test]
async fn a_list_at_the_top_is_validated() {
    let rejection = json::<Vec<Tag>, _>(r#"[{"name":"a"},{"name":"é"}]"#)
        .await
        .unwrap_err();
    assert_eq!(told(&rejection), (422, vec![("/1/name", "not ascii")]));
}

#[actix_web::test]
async fn errors_are_capped() {
    let tags = vec![r#"{"name":"é"}"#; 1000].join(",");
    let rejection = json::<Vec<Tag>, _>(format!("[{tags}]")).await.unwrap_err();
    assert_eq!(rejection.errors().len(), 32);
}

#[actix_web::test]
async fn queries_forms_and_paths_are_validated() {
    let query = admit(TestRequest::with_uri("/?name=%C3%A9"), Payload::None, 0).await;
    let rejection = take::<web::Query<Tag>, _>(query).await.unwrap_err();
    assert_eq!(told(&rejection), (422, vec![("/name", "not ascii")]));
    assert_eq!(rejection.errors()[0].source, "query");

    let form = with_body("application/x-www-form-urlencoded", "name=%C3%A9").await;
    let rejection = take::<web::Form<Tag>, _>(form).await.unwrap_err();
    assert_eq!(told(&rejection), (422, vec![("/name", "not ascii")]));
    assert_eq!(rejection.errors()[0].source, "body");

    let path = admit(
        TestRequest::default().param("name", "%C3%A9"),
        Payload::None,
        0,
    )
    .await;
    let rejection = take::<web::Path<Tag>, _>(path).await.unwrap_err();
    assert_eq!(told(&rejection), (422, vec![("/name", "not ascii")]));
    assert_eq!(rejection.errors()[0].source, "path");
}

#[actix_web::test]
async fn unvalidated_is_decoded_only() {
    let admitted = with_body("application/json", r#"{"name":"é"}"#).await;
    assert!(take_unvalidated::<web::Json<Tag>>(admitted).await.is_ok());
    let admitted = with_body("application/json", r#"{"name":"é","x":1}"#).await;
    assert!(take_unvalidated::<web::Json<Tag>>(admitted).await.is_err());
}

struct Prices {
    highest: u32,
}

#[derive(Debug, Deserialize, Validate)]
#[garde(context(Prices))]
struct Bid {
    #[garde(custom(affordable))]
    price: u32,
}

fn affordable(price: &u32, prices: &Prices) -> garde::Result {
    if *price <= prices.highest {
        Ok(())
    } else {
        Err(garde::Error::new("above the highest price"))
    }
}

#[actix_web::test]
async fn the_context_comes_from_the_apps_data() {
    let request = || TestRequest::post().insert_header(("content-type", "application/json"));
    let body = || Payload::from(Bytes::from_static(br#"{"price":11}"#));

    for request in [
        request().app_data(web::Data::new(Prices { highest: 10 })),
        request().app_data(Prices { highest: 10 }),
    ] {
        let rejection = take::<web::Json<Bid>, _>(admit(request, body(), 100).await).await;
        let rejection = rejection.unwrap_err();
        assert_eq!(
            told(&rejection),
            (422, vec![("/price", "above the highest price")])
        );
    }

    let request_with = request().app_data(web::Data::new(Prices { highest: 11 }));
    let bid = take::<web::Json<Bid>, _>(admit(request_with, body(), 100).await)
        .await
        .unwrap();
    assert_eq!(bid.price, 11);

    let rejection = take::<web::Json<Bid>, _>(admit(request(), body(), 100).await).await;
    let rejection = rejection.unwrap_err();
    assert_eq!(told(&rejection), (500, vec![]));
    assert!(rejection.reason().contains("Prices"));
}
