use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpMessage, HttpRequest, error, http::header, web};

use super::*;
use crate::input::Extracted;

#[actix_web::test]
async fn header_fields_are_typed() {
    let request = TestRequest::default().insert_header(("content-type", "text/plain"));
    let admitted = admit(request, Payload::None, 0).await;
    let media = take::<web::Header<header::ContentType>, _>(admitted)
        .await
        .unwrap();
    assert_eq!(media.into_inner().0, mime::TEXT_PLAIN);

    let admitted = admit(TestRequest::default(), Payload::None, 0).await;
    let missing = take::<web::Header<header::ContentType>, _>(admitted)
        .await
        .unwrap_err();
    assert_eq!(told(&missing), (400, vec![("/content-type", "required")]));

    let request = TestRequest::default().insert_header(("if-modified-since", "hunter2"));
    let admitted = admit(request, Payload::None, 0).await;
    let wrong = take::<web::Header<header::IfModifiedSince>, _>(admitted)
        .await
        .unwrap_err();
    assert_eq!(
        told(&wrong),
        (
            400,
            vec![("/if-modified-since", "not of the expected form")]
        )
    );
    assert_eq!(wrong.errors()[0].source, "header");
}

#[actix_web::test]
async fn data_is_there_or_the_service_is_not_configured() {
    let request = TestRequest::default().app_data(web::Data::new(7_u8));
    let admitted = admit(request, Payload::None, 0).await;
    assert_eq!(**take::<web::Data<u8>, _>(admitted).await.unwrap(), 7);

    let admitted = admit(TestRequest::default(), Payload::None, 0).await;
    let missing = take::<web::Data<u8>, _>(admitted).await.unwrap_err();
    assert_eq!(missing.refusal().status(), 500);
    assert_eq!(missing.reason(), "the app's data has no `web::Data<u8>`");
}

#[actix_web::test]
async fn request_data_comes_from_a_middleware() {
    let mut admitted = admit(TestRequest::default(), Payload::None, 0).await;
    let missing = web::ReqData::<u8>::take(&mut admitted).await.unwrap_err();
    assert_eq!(missing.refusal().status(), 500);
    admitted.request().extensions_mut().insert(7_u8);
    assert_eq!(*web::ReqData::<u8>::take(&mut admitted).await.unwrap(), 7);
}

#[actix_web::test]
async fn the_request_itself_is_an_input() {
    let admitted = admit(TestRequest::with_uri("/x"), Payload::None, 0).await;
    assert_eq!(take::<HttpRequest, _>(admitted).await.unwrap().path(), "/x");
}

/// Answers with the status in the path; sees whether it was given a body.
#[derive(Debug)]
struct Foreign;

impl FromRequest for Foreign {
    type Error = error::InternalError<String>;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        assert!(matches!(payload, Payload::None));
        let status: u16 = request.path()[1..].parse().unwrap();
        ready(if status == 200 {
            Ok(Self)
        } else {
            let status = status.try_into().unwrap();
            Err(error::InternalError::new("hunter2".to_owned(), status))
        })
    }
}

#[actix_web::test]
async fn a_foreign_extractor_sees_no_body_and_its_refusal_is_translated() {
    for (status, answer) in [
        (400, 400),
        (401, 403),
        (403, 403),
        (404, 404),
        (413, 400),
        (422, 400),
        (500, 500),
        (502, 500),
        (503, 503),
    ] {
        let (payload, count) = counted([Bytes::from_static(b"x")]);
        let request = TestRequest::with_uri(&format!("/{status}"));
        let admitted = admit(request, payload, 10).await;
        let rejection = take_unvalidated::<Extracted<Foreign>>(admitted)
            .await
            .unwrap_err();
        assert_eq!(told(&rejection), (answer, vec![]));
        assert!(!rejection.reason().contains("hunter2"));
        assert_eq!(count.get(), 0);
    }
    let admitted = admit(TestRequest::with_uri("/200"), Payload::None, 0).await;
    assert!(
        take_unvalidated::<Extracted<Foreign>>(admitted)
            .await
            .is_ok()
    );
}
