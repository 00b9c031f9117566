use actix_web::{HttpResponse, web};

use super::*;

#[actix_web::test]
async fn bytes_are_of_any_type() {
    let bytes = take::<web::Bytes, _>(with_body("image/png", &b"\x89PNG"[..]).await).await;
    assert_eq!(bytes.unwrap(), &b"\x89PNG"[..]);
    let untyped = admit(
        TestRequest::post(),
        Payload::from(Bytes::from_static(b"x")),
        10,
    )
    .await;
    assert_eq!(take::<web::Bytes, _>(untyped).await.unwrap(), "x");
}

#[actix_web::test]
async fn text_is_utf8() {
    let text = take::<String, _>(with_body("text/plain; charset=utf-8", "é").await).await;
    assert_eq!(text.unwrap(), "é");
    let text = take::<String, _>(with_body("text/plain", &b"\xff"[..]).await).await;
    assert_eq!(told(&text.unwrap_err()), (400, vec![]));
    let text = take::<String, _>(with_body("application/json", "1").await).await;
    assert_eq!(told(&text.unwrap_err()), (415, vec![]));
    let (chunks, _) = counted([Bytes::from_static(b"\xc3"), Bytes::from_static(b"\xa9")]);
    let request = TestRequest::post().insert_header(("content-type", "text/plain"));
    assert_eq!(
        take::<String, _>(admit(request, chunks, 10).await)
            .await
            .unwrap(),
        "é"
    );
}

#[actix_web::test]
async fn h12_a_stream_that_overflows_becomes_413_whatever_the_handler_says() {
    let (payload, _) = counted(vec![Bytes::from_static(b"12345"); 100_000]);
    let mut admitted = admit(TestRequest::post(), payload, 7).await;
    let mut stream = <web::Payload as Input>::take(&mut admitted).await.unwrap();
    while let Some(Ok(_)) = stream.next().await {}
    drop(stream);
    let answer = admitted
        .respond(HttpResponse::Ok().body("all is well"))
        .await;
    assert!(format!("{answer:?}").contains("413"), "{answer:?}");
}

#[actix_web::test]
async fn the_body_is_taken_once() {
    let mut admitted = with_body("text/plain", "x").await;
    assert!(<web::Bytes as Input>::take(&mut admitted).await.is_ok());
    let second = <web::Payload as Input>::take(&mut admitted)
        .await
        .map(drop)
        .unwrap_err();
    assert_eq!(told(&second), (500, vec![]));
}
