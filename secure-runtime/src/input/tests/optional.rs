use actix_web::{http::header, web};

use super::*;
use crate::policy::InputKind;

async fn optional<T: Input<M>, M>(admitted: Admitted) -> Result<Option<T>, Rejection> {
    take::<Option<T>, M>(admitted).await
}

fn json_request() -> TestRequest {
    TestRequest::post().insert_header(("content-type", "application/json"))
}

#[actix_web::test]
async fn nothing_sent_is_none() {
    let bare = || admit(TestRequest::post(), Payload::None, 10);
    assert!(
        optional::<web::Json<u8>, _>(bare().await)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        optional::<web::Bytes, _>(bare().await)
            .await
            .unwrap()
            .is_none()
    );
    assert!(optional::<String, _>(bare().await).await.unwrap().is_none());
    assert!(
        optional::<web::Payload, _>(bare().await)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        optional::<web::Query<(String, String)>, _>(bare().await)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        optional::<web::Header<header::IfMatch>, _>(bare().await)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        optional::<web::Data<u8>, _>(bare().await)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        optional::<web::ReqData<u8>, _>(bare().await)
            .await
            .unwrap()
            .is_none()
    );
    // HTTP/2 and chunked requests have a payload that turns out to be empty.
    let empty = admit(json_request(), Payload::from(Bytes::new()), 10).await;
    assert!(optional::<web::Json<u8>, _>(empty).await.unwrap().is_none());
}

#[actix_web::test]
async fn what_was_sent_is_some() {
    let json = with_body("application/json", "7").await;
    assert_eq!(
        *optional::<web::Json<u8>, _>(json).await.unwrap().unwrap(),
        7
    );
    let json = with_body("application/json", "7").await;
    let json = take_unvalidated::<Option<web::Json<u8>>>(json)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(*json, 7);
}

#[actix_web::test]
async fn what_is_wrong_is_refused() {
    let json = with_body("application/json", "x").await;
    assert_eq!(
        told(&optional::<web::Json<u8>, _>(json).await.unwrap_err()).0,
        400
    );
    let json = with_body("application/json", "300").await;
    assert_eq!(
        told(&optional::<web::Json<u8>, _>(json).await.unwrap_err()).0,
        422
    );
    let json = admit(json_request(), Payload::from(Bytes::from_static(b"777")), 2).await;
    assert_eq!(
        told(&optional::<web::Json<u8>, _>(json).await.unwrap_err()).0,
        413
    );
    let header = TestRequest::default().insert_header(("if-modified-since", "tomorrow"));
    let header = admit(header, Payload::None, 0).await;
    let header = optional::<web::Header<header::IfModifiedSince>, _>(header).await;
    assert_eq!(told(&header.unwrap_err()).0, 400);
}

#[test]
fn the_kind_is_that_of_the_value() {
    fn kind<T: Input<M>, M>() -> InputKind {
        T::KIND
    }
    assert_eq!(kind::<Option<web::Json<u8>>, _>(), InputKind::Body);
    assert_eq!(kind::<Option<web::Bytes>, _>(), InputKind::BodyUnvalidated);
    assert_eq!(kind::<Option<web::Data<u8>>, _>(), InputKind::Server);
    assert_eq!(
        <Option<web::Path<u8>> as Unvalidated>::KIND,
        InputKind::HeadUnvalidated
    );
}
